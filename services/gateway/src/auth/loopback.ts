/** 127.0.0.0/8, ::1 (also as an IPv4-mapped address) and the name that means them. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|(0*:)+0*1|::ffff:127(\.\d{1,3}){3})$/i.test(host.replace(/^\[|\]$/g, ''));
