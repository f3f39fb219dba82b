import type { file as english } from './en-file.ts';

export const file: typeof english = {
  attach: 'Thêm tệp',
  list: 'Các tệp của tin nhắn này',
  drop: 'Thả tệp vào đây: chúng sẽ đi cùng tin nhắn của bạn',
  progress: 'Đang tải {name} lên',
  remove: 'Bỏ {name}',
  tooMany: 'Mỗi tin nhắn có nhiều nhất {most} tệp.',
  pasted: 'Văn bản dán vào khá dài: nó sẽ đi cùng dưới dạng tệp.',
  pastedName: 'van-ban.txt',
  sending: 'Các tệp của bạn vẫn đang được tải lên.',
  failed: 'Có một tệp không thêm được. Hãy thử lại, hoặc bỏ nó.',
  save: 'Lưu {name}',
  gone: 'Tệp này không còn nữa.',
  why: {
    'too-large': 'Tệp này quá lớn.',
    quota: 'Không còn chỗ cho các tệp của bạn.',
    'unsupported-type': 'Không thêm được tệp loại này.',
    unauthorized: 'Vui lòng đăng nhập.',
    forbidden: 'Ở đây không thêm được tệp.',
    'not-found': 'Ở đây không thêm được tệp.',
    'rate-limited': 'Quá nhiều cùng lúc. Sẽ thử lại.',
    overloaded: 'Dịch vụ đang quá tải. Sẽ thử lại.',
    unavailable: 'Không có kết nối. Sẽ tự tiếp tục.',
    other: 'Không thêm được tệp này.',
  },
};
