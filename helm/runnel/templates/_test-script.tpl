{{- define "runnel.testScript" -}}
import { createHash } from 'node:crypto';
const url = process.argv.at(-1);
const id = `helm-test-${Date.now()}`;
const deadline = setTimeout(() => { console.error('no answer in 60 s'); process.exit(1); }, 60_000);
const run = { text: '', cursor: null, cuts: 0 };
const connect = () => {
  const socket = new WebSocket(`${url}/ws/chat?user_id=helm-test`, 'runnel.v1');
  const send = (frame) => socket.send(JSON.stringify(frame));
  socket.onopen = () => {
    send({ type: 'hello', protocol: 1, token: process.env.RUNNEL_TOKEN });
    send({ type: 'follow', conversationId: id, cursor: run.cursor });
    if (run.cuts === 0) send({ type: 'prompt', id: 1, conversationId: id, messageId: `${id}-q`, text: 'count 200 at 100', model: 'count' });
  };
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === 'error') { console.error(event.code, event.message); process.exit(1); }
    if (event.type === 'snapshot') { run.logId = event.logId; run.offset = event.offset; run.text = event.run?.text ?? run.text; }
    else if (event.offset > (run.offset ?? 0) && event.conversationId) {
      run.logId = event.logId ?? run.logId; run.offset = event.offset;
      if (event.type === 'chunk') run.text += event.text;
      if (event.type === 'run-ended') {
        const hash = createHash('sha256').update(run.text).digest('hex');
        const whole = hash === event.sha256 && run.cuts === 1;
        console.log(`${event.bytes} bytes, one cut, hash ${whole ? 'equal' : 'DIFFERENT'}`);
        clearTimeout(deadline); process.exit(whole ? 0 : 1);
      }
    }
    if (run.logId) run.cursor = { logId: run.logId, offset: run.offset };
    if (run.cuts === 0 && run.text.length > 400) { run.cuts = 1; socket.onmessage = null; socket.close(); connect(); }
  };
};
connect();
{{- end }}
