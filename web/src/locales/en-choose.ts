/** Several conversations at once, and where they stand. */
export const choose = {
  label: 'Conversations that are chosen',
  begin: 'Choose several',
  count: 'None chosen | One chosen | {count} chosen',
  all: 'All that are listed',
  end: 'Done',
  doing: '{done} of {of} done',
  failed: 'One could not be changed; it is still chosen. | {count} could not be changed; they are still chosen.',
  deleteTitle: 'Delete one conversation? | Delete one conversation? | Delete {count} conversations?',
  deleteText: '{titles} will be deleted here and on all your devices. Nothing brings them back.',
  deleteAll: 'Delete | Delete one | Delete {count}',
  more: 'and one more | and {count} more',
  move: 'Move',
  moveOne: 'Move to a folder',
  moveTitle: 'Move | Move the conversation to | Move {count} conversations to',
  newFolder: 'A new folder',
  noFolder: 'Out of its folder',
  news: 'Something new',
  renameOne: 'Rename the folder “{name}”',
  renameTitle: 'Rename the folder',
  name: 'Its name',
  rename: 'Rename',
  joins: 'There is a folder of that name. Both become one.',
};

export const archive = {
  title: 'Archive',
  empty: 'Nothing is in the archive.',
  loading: 'The archive is being opened.',
  restore: 'Back to the list',
  restoreOne: '“{title}” back to the list',
};
