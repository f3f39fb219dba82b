import type { seam as englishSeam, shell as english } from './en-shell.ts';

export const shell: typeof english = {
  newRelease: 'Đã có phiên bản mới của trang này.',
  reload: 'Tải lại',
  notHere: 'Cuộc trò chuyện này không có trên thiết bị. Nó sẽ mở khi có kết nối.',
};

/** Where an answer was joined together. */
export const seam: typeof englishSeam = {
  moved: 'Máy chủ khác đã viết tiếp: không mất chữ nào, {seconds} giây',
  restarted: 'Máy chủ khác lấy lại những chữ cuối và viết lại chúng, {seconds} giây',
  resumed: 'Mất kết nối {seconds} giây: không mất chữ nào',
  joined: 'Mở ở đây khi đang viết dở: không mất chữ nào, {seconds} giây',
  servers: 'Do {count} máy chủ lần lượt viết: không mất chữ nào',
};
