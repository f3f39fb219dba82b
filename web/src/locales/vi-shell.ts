import type { shell as english } from './en-shell.ts';

export const shell: typeof english = {
  newRelease: 'Đã có phiên bản mới của trang này.',
  reload: 'Tải lại',
  notHere: 'Cuộc trò chuyện này không có trên thiết bị. Nó sẽ mở khi có kết nối.',
};
