{{- define "runnel.testScript" -}}
import { createHash, createHmac } from 'node:crypto';
const { RUNNEL_TOKEN, JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE, RUNNEL_TOKEN_HELP } = process.env;
const origin = process.argv.at(-1);
const id = `helm-test-${Date.now()}`;
const fail = (why) => { console.error(why); process.exit(1); };
setTimeout(fail, 60_000, 'no whole answer in 60 s');

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const sign = () => {
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: 'helm-test', iss: JWT_ISSUER, aud: JWT_AUDIENCE, iat: now, exp: now + 300 })}`;
  return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`;
};
const token = RUNNEL_TOKEN ?? (JWT_SECRET && sign());
if (!token && RUNNEL_TOKEN_HELP) fail(RUNNEL_TOKEN_HELP);

const headers = token ? { authorization: `Bearer ${token}` } : {};
const answer = await fetch(`${origin}/api/models?user_id=helm-test`, { headers });
if (!answer.ok) fail(`GET /api/models: ${answer.status} ${await answer.text()}`);
const counts = (await answer.json()).models.some((model) => model.id === 'count');
const prompt = counts ? { text: 'count 200 at 100', model: 'count' } : { text: 'Count from one to thirty, in words.' };
const enough = counts ? 400 : 1;

const seen = { text: '', logId: null, offset: 0, cut: false };
const end = ({ bytes, sha256, reason, error }) => {
  if (reason !== 'complete') fail(`the answer ended as ${reason}: ${error?.code ?? ''} ${error?.message ?? ''}`);
  const whole = createHash('sha256').update(seen.text).digest('hex') === sha256;
  console.log(`${bytes} bytes, ${seen.cut ? 'one cut' : 'NOT CUT'}, hash ${whole ? 'equal' : 'DIFFERENT'}`);
  process.exit(whole && seen.cut ? 0 : 1);
};
const connect = () => {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws/chat${token ? '' : '?user_id=helm-test'}`, 'runnel.v1');
  const send = (frame) => socket.send(JSON.stringify(frame));
  socket.onopen = () => {
    send({ type: 'hello', protocol: 1, token });
    send({ type: 'follow', id: 1, conversationId: id, cursor: seen.logId ? { logId: seen.logId, offset: seen.offset } : undefined });
    // Asking twice is safe: the ids are the same.
    if (seen.text === '') send({ type: 'prompt', id: 2, conversationId: id, messageId: `${id}-q`, runId: `${id}-a`, ...prompt });
  };
  socket.onclose = ({ code, reason }) => (code >= 4500 ? fail(`closed with ${code} ${reason}`) : setTimeout(connect, 200));
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === 'error') return event.retryable ? socket.close() : fail(`${event.code}: ${event.message}`);
    if (event.type === 'snapshot') Object.assign(seen, { logId: event.logId, offset: event.offset, text: event.run?.text ?? seen.text });
    else if (event.conversationId && event.type !== 'live' && event.type !== 'ok' && event.offset > seen.offset) {
      seen.logId = event.logId ?? seen.logId;
      seen.offset = event.offset;
      if (event.type === 'chunk') seen.text += event.text;
      if (event.type === 'run-ended') end(event);
    }
    if (!seen.cut && seen.text.length >= enough) {
      seen.cut = true;
      socket.onmessage = null;
      socket.close();
    }
  };
};
connect();
{{- end }}
