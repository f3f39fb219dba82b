/**
 * Socket.IO 4 with the Redis streams adapter and connection state recovery, set up as its documentation says.
 *   node socket-io.ts <port> <redis port>
 */
import { socketIoServer } from '../peer-packages.ts';

const [port, redisPort] = process.argv.slice(2).map(Number);
const io = socketIoServer(redisPort!);
io.on('connection', (socket) => {
  if (!socket.recovered) socket.on('follow', (room) => void socket.join(room));
});
io.listen(port!);
process.stdout.write('listening\n');
