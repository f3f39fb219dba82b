/** What people set for themselves, and the server keeps for them. */
export const own = {
  older: 'This server does not keep this yet. Please try again later.',
  full: 'There is no room for more of these.',
};

export const thumb = {
  up: 'Good answer',
  down: 'Bad answer',
  with: 'Let another model answer',
};

export const choices = {
  title: 'Settings',
  same: 'The same on all your devices.',
  waits: 'Not told to the server yet. This device has it, and tells it with the next connection.',
  older: 'This server keeps no settings; they stay on this device.',
  send: 'Sends a message',
  enter: 'Enter',
  hint: '{key} sends · Enter for a new line',
  queues: '{key} sends it after this answer',
  queuesWaiting: '{key} sends it after this answer, which waits for you',
  device: 'This device',
  copies: 'Keep conversations for the time without a network',
  copiesText: 'The last twenty, on this device alone. Switched off, they are erased from it at once.',
  copiesForbidden: 'Whoever runs this service does not allow it.',
  data: 'Your data',
  everything: 'All that is kept of you: conversations, files, prompts, settings. A file with a line of JSON for each thing.',
  save: 'Save it as a file',
  saving: 'On its way: {size}',
  cut: 'It broke off before its end, and nothing was saved. Please try again.',
  stopped: 'Stopped; nothing was saved.',
  cancel: 'Stop',
};

export const prompts = {
  title: 'Your prompts',
  open: 'Your prompts',
  find: 'Find a prompt',
  hint: 'Enter puts it into the message box · / types a slash',
  none: 'Keep here what you ask often: a / in the empty message box brings it.',
  nothing: 'No prompt has this name. Enter puts “{text}” into the message box.',
  loading: 'Your prompts are being opened.',
  stale: 'Not connected: this is how they were.',
  failed: 'Your prompts could not be loaded.',
  add: 'Add a prompt',
  edit: 'Edit “{name}”',
  delete: 'Delete “{name}”',
  deleteTitle: 'Delete this prompt?',
  deleteText: '“/{name}” will be gone on all your devices.',
  name: 'Name',
  nameHelp: 'Letters, digits, _ and -; no spaces',
  taken: 'There is one with this name.',
  text: 'Text',
  tooLong: '{count} characters are too many; {limit} fit.',
  changed: 'It was changed on another device meanwhile. Saving puts yours in its place.',
  gone: 'It was deleted on another device meanwhile. Saving brings it back.',
  save: 'Save',
  back: 'Back',
  full: 'There is room for {limit} prompts. Delete one first.',
};
