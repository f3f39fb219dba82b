/** What an event stream says of the text, and whether it has its last event. Pure. */
export const read = (body: string): { text: string; isWhole: boolean } => {
  let text = '';
  let isWhole = false;
  for (const line of body.split('\n')) {
    if (!line.startsWith('data: ')) continue;
    const data = line.slice(6);
    if (data === '[DONE]') isWhole = true;
    else {
      const event = JSON.parse(data) as { type?: string; delta?: string; choices?: { delta: { content?: string } }[] };
      text += event.choices?.[0]?.delta.content ?? (event.type === 'response.output_text.delta' ? (event.delta ?? '') : '');
      isWhole ||= event.type === 'response.completed';
    }
  }
  return { text, isWhole };
};
