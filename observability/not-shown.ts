/** What is exported and needs no panel, with the reason. Anything else that nothing shows fails a test: give it a panel, or drop it. */
export const NOT_SHOWN: readonly { name: RegExp; because: string }[] = [
  {
    name: /^runnel_nodejs_(active_|eventloop_lag_(?!p99)|external_|heap_(size_total|space)|version)/,
    because: "details of Node's inside, for a look by hand once CPU, lag or memory point at a process",
  },
  { name: /^runnel_process_(cpu_(system|user)|heap_|virtual_|open_fds|max_fds)/, because: 'parts of what CPU and memory show whole' },
  { name: /^runnel_gateway_people$/, because: 'subscriptions of hints: without them a page reads its list every minute' },
];
