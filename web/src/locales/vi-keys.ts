/** The palette (Ctrl+K), and the list of keys (?). */
export const palette = {
  label: 'Tới, hoặc làm',
  placeholder: 'Một cuộc trò chuyện, mô hình hay lệnh',
  search: 'Tìm “{words}” trong mọi tin nhắn',
  model: 'Mô hình: {name}',
};

export const keys = {
  title: 'Phím tắt',
  palette: 'Tới một cuộc trò chuyện, mô hình hay lệnh',
  new: 'Trò chuyện mới',
  keys: 'Danh sách này, khi ở ngoài ô nhập',
  send: 'Gửi',
  line: 'Xuống dòng',
  stop: 'Đóng những gì đang mở; dừng câu trả lời',
  edit: 'Sửa tin nhắn cuối của bạn, khi ô nhập trống',
  prompts: 'Câu lệnh mẫu của bạn, khi ô nhập trống',
  close: 'Đóng',
};
