import type { choices as englishChoices, own as english, prompts as englishPrompts, thumb as englishThumb } from './en-own.ts';

/** What people set for themselves, and the server keeps for them. */
export const own: typeof english = {
  older: 'Máy chủ này chưa lưu được điều đó. Vui lòng thử lại sau.',
  full: 'Không còn chỗ cho thêm mục nữa.',
};

export const thumb: typeof englishThumb = {
  up: 'Câu trả lời tốt',
  down: 'Câu trả lời chưa tốt',
  with: 'Nhờ mô hình khác trả lời',
  why: 'Nói lý do',
  reason: 'Lý do của bạn',
  good: 'Điểm nào tốt?',
  bad: 'Điểm nào chưa tốt?',
  save: 'Lưu',
};

export const choices: typeof englishChoices = {
  title: 'Cài đặt',
  same: 'Giống nhau trên mọi thiết bị của bạn.',
  waits: 'Máy chủ chưa biết. Thiết bị này đã nhớ và sẽ báo khi có kết nối.',
  older: 'Máy chủ này không lưu cài đặt; chúng chỉ ở trên thiết bị này.',
  send: 'Phím gửi tin nhắn',
  enter: 'Enter',
  hint: '{key} để gửi · Enter để xuống dòng',
  queues: '{key} để gửi sau câu trả lời này',
  queuesWaiting: '{key} để gửi sau câu trả lời này, đang chờ bạn',
  device: 'Thiết bị này',
  copies: 'Giữ các cuộc trò chuyện cho lúc không có mạng',
  copiesText: 'Hai mươi cuộc gần nhất, chỉ trên thiết bị này. Khi tắt, chúng bị xóa khỏi đây ngay.',
  copiesForbidden: 'Bên vận hành dịch vụ không cho phép.',
  data: 'Dữ liệu của bạn',
  everything: 'Tất cả những gì được lưu về bạn: trò chuyện, tệp, câu lệnh mẫu, cài đặt. Một tệp, mỗi dòng JSON là một mục.',
  save: 'Lưu thành tệp',
  saving: 'Đang tải: {size}',
  cut: 'Bị ngắt trước khi xong nên chưa lưu gì. Vui lòng thử lại.',
  stopped: 'Đã dừng; chưa lưu gì.',
  cancel: 'Dừng',
};

export const prompts: typeof englishPrompts = {
  title: 'Câu lệnh mẫu của bạn',
  open: 'Câu lệnh mẫu',
  find: 'Tìm câu lệnh mẫu',
  hint: 'Enter đưa vào ô nhập · / gõ dấu gạch chéo',
  none: 'Lưu ở đây những gì bạn hay hỏi: gõ / trong ô nhập trống để lấy ra.',
  nothing: 'Không có câu lệnh nào tên này. Enter đưa “{text}” vào ô nhập.',
  loading: 'Đang mở các câu lệnh mẫu.',
  stale: 'Không có kết nối: đây là bản cũ.',
  failed: 'Không tải được các câu lệnh mẫu.',
  add: 'Thêm câu lệnh',
  edit: 'Sửa “{name}”',
  delete: 'Xóa “{name}”',
  deleteTitle: 'Xóa câu lệnh này?',
  deleteText: '“/{name}” sẽ mất trên mọi thiết bị của bạn.',
  name: 'Tên',
  nameHelp: 'Chữ, số, _ và -; không có dấu cách',
  taken: 'Đã có câu lệnh tên này.',
  text: 'Nội dung',
  tooLong: '{count} ký tự là quá nhiều; tối đa {limit}.',
  changed: 'Thiết bị khác vừa thay đổi nó. Nếu lưu, bản của bạn sẽ thay vào.',
  gone: 'Thiết bị khác vừa xóa nó. Nếu lưu, nó sẽ có lại.',
  save: 'Lưu',
  back: 'Quay lại',
  full: 'Chỉ có chỗ cho {limit} câu lệnh. Hãy xóa bớt một câu.',
};
