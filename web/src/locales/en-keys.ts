/** The palette (Ctrl+K), and the list of keys (?). */
export const palette = {
  label: 'Go to, or do',
  placeholder: 'A conversation, a model, a command',
  search: 'Search all messages for “{words}”',
  model: 'Model: {name}',
};

export const keys = {
  title: 'Keys',
  palette: 'Go to a conversation, a model, a command',
  new: 'New chat',
  keys: 'This list, outside of the message box',
  send: 'Sends',
  line: 'A new line',
  stop: 'Closes what is open; stops the answer',
  edit: 'Edits your last message, in the empty box',
  prompts: 'Your prompts, in the empty box',
  close: 'Close',
};
