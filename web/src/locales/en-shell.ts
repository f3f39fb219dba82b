/** Without a network, and between releases. */
export const shell = {
  newRelease: 'A new release of this page is here.',
  reload: 'Reload',
  notHere: 'This conversation is not on this device. It opens once there is a connection.',
};
