import type { archive as englishArchive, choose as english } from './en-choose.ts';

/** Several conversations at once, and where they stand. */
export const choose: typeof english = {
  label: 'Các cuộc trò chuyện đang chọn',
  begin: 'Chọn nhiều',
  count: 'Chưa chọn cuộc nào | Đã chọn một | Đã chọn {count}',
  all: 'Tất cả trong danh sách',
  end: 'Xong',
  doing: 'Xong {done} trên {of}',
  failed: 'Một cuộc chưa thay đổi được; nó vẫn đang được chọn. | {count} cuộc chưa thay đổi được; chúng vẫn đang được chọn.',
  deleteTitle: 'Xóa một cuộc trò chuyện? | Xóa một cuộc trò chuyện? | Xóa {count} cuộc trò chuyện?',
  deleteText: '{titles} sẽ bị xóa ở đây và trên mọi thiết bị của bạn. Không lấy lại được.',
  deleteAll: 'Xóa | Xóa một cuộc | Xóa {count} cuộc',
  more: 'và một cuộc nữa | và {count} cuộc nữa',
  move: 'Chuyển',
  moveOne: 'Chuyển vào thư mục',
  moveTitle: 'Chuyển | Chuyển cuộc trò chuyện vào | Chuyển {count} cuộc trò chuyện vào',
  newFolder: 'Thư mục mới',
  noFolder: 'Ra khỏi thư mục',
  news: 'Có gì mới',
  renameOne: 'Đổi tên thư mục “{name}”',
  renameTitle: 'Đổi tên thư mục',
  name: 'Tên',
  rename: 'Đổi tên',
  joins: 'Đã có thư mục tên này. Hai thư mục sẽ nhập làm một.',
};

export const archive: typeof englishArchive = {
  title: 'Kho lưu trữ',
  empty: 'Kho lưu trữ trống.',
  loading: 'Đang mở kho lưu trữ.',
  restore: 'Đưa về danh sách',
  restoreOne: 'Đưa “{title}” về danh sách',
};
