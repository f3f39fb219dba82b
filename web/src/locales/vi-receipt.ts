import type { receipt as english } from './en-receipt.ts';

export const receipt: typeof english = {
  title: 'Biên nhận của câu trả lời này',
  what: 'Văn bản trên màn hình của bạn đã được băm tại đây và giống từng byte với bản máy chủ lưu khi câu trả lời kết thúc.',
  copyHash: 'Sao chép mã băm',
  bytes: 'Độ dài (byte)',
  tokens: 'Token',
  tokenCounts: 'đọc {prompt}, viết {completion}',
  estimated: '(ước tính)',
  cost: 'Chi phí',
  firstWord: 'Từ đầu tiên sau',
  duration: 'Toàn bộ sau',
  model: 'Mô hình',
  nodes: 'Được viết bởi',
  trail: 'Chuỗi kiểm toán của nó',
  check: 'Kiểm tra một văn bản từ nơi khác',
  paste: 'Dán vào đây',
  same: 'Đây đúng là câu trả lời, từng byte một.',
  other: 'Đây không phải câu trả lời: có chỗ khác.',
  differs: 'Không giống bản máy chủ lưu. Hãy tải lại trang.',
};
