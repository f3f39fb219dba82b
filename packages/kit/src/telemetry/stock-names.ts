/** Figures of the process that each Node program has, behind our prefix. Not those that only we have. */
const OURS = /^(#\s(?:HELP|TYPE)\s)?runnel_((?:process|nodejs)_.*)$/;
const ONLY_OURS = /^process_memory_limit_bytes\b/;

/** `process_…` and `nodejs_…`: what dashboards and alerts for any Node program ask for. Undefined: the name is not one of them. */
export const stockName = (name: string): string | undefined => {
  const stock = OURS.exec(name)?.[2];
  return stock === undefined || ONLY_OURS.test(stock) ? undefined : stock;
};

/** An exposition with each figure of the process under its stock name as well, behind the rest. */
export const withStockNames = (text: string): string => {
  const more = text.split('\n').flatMap((line) => {
    const [, head = '', rest] = OURS.exec(line) ?? [];
    return rest === undefined || ONLY_OURS.test(rest) ? [] : [`${head}${rest}\n`];
  });
  return more.length === 0 ? text : `${text.endsWith('\n') ? text : `${text}\n`}${more.join('')}`;
};
