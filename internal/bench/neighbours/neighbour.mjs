// The roles recv and echo of ../roles.go, for Node's dgram.
import dgram from 'node:dgram';
import { writeSync } from 'node:fs';

const [role, ip, port, every, buffer] = process.argv.slice(2);
const options = { type: ip.includes(':') ? 'udp6' : 'udp4' };
if (Number(buffer) > 0) options.recvBufferSize = Number(buffer);
const socket = dgram.createSocket(options);

let got = 0;
let bytes = 0;
const report = Number(every);

socket.on('message', role === 'echo'
  ? (data, from) => socket.send(data, from.port, from.address)
  : (data) => {
    bytes += data.length;
    if (++got % report === 0) {
      const { user, system } = process.cpuUsage();
      writeSync(1, `got ${got} ${bytes} ${process.hrtime.bigint()} ${(user + system) * 1000} 0\n`);
    }
  });

process.stdin.on('end', () => process.exit()).resume();
socket.bind(Number(port), ip, () => writeSync(1, 'ready\n'));
