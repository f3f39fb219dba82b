/** Without a network, and between releases. */
export const shell = {
  newRelease: 'A new release of this page is here.',
  reload: 'Reload',
  notHere: 'This conversation is not on this device. It opens once there is a connection.',
};

/** Where an answer was joined together. */
export const seam = {
  moved: 'Another server went on: 0 words lost, {seconds} s',
  restarted: 'Another server took its last words back and wrote them again, {seconds} s',
  resumed: 'No connection for {seconds} s: 0 words lost',
  joined: 'Opened here in the middle: 0 words lost, {seconds} s',
  servers: 'Written by {count} servers, one after the other: 0 words lost',
};
