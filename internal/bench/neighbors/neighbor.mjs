// The roles recv, echo and send of ../roles.go, for Node's dgram.
import dgram from 'node:dgram';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [role, ...args] = process.argv.slice(2);

function clocks() {
  const { user, system } = process.cpuUsage();
  return { wall: process.hrtime.bigint(), cpu: (user + system) * 1000 };
}

function listen(ip, port, every, buffer) {
  const options = { type: ip.includes(':') ? 'udp6' : 'udp4' };
  if (Number(buffer) > 0) options.recvBufferSize = Number(buffer);
  const socket = dgram.createSocket(options);
  const report = Number(every);
  let got = 0;
  let bytes = 0;
  socket.on('message', role === 'echo'
    ? (data, from) => socket.send(data, from.port, from.address)
    : (data) => {
      bytes += data.length;
      if (++got % report === 0) {
        const { wall, cpu } = clocks();
        writeSync(1, `got ${got} ${bytes} ${wall} ${cpu} 0\n`);
      }
    });
  process.stdin.on('end', () => process.exit()).resume();
  socket.bind(Number(port), ip, () => writeSync(1, 'ready\n'));
}

// send keeps up to 64 datagrams under way; "go N" is answered by a "sent" line.
function send(size, ip, port) {
  const socket = dgram.createSocket(ip.includes(':') ? 'udp6' : 'udp4');
  const payload = Buffer.alloc(Number(size));
  const turn = (n) => {
    const before = clocks();
    let started = 0;
    let ended = 0;
    const one = (err) => {
      if (err) throw err;
      if (++ended === n) {
        const { wall, cpu } = clocks();
        writeSync(1, `sent ${n} ${n * payload.length} ${wall - before.wall} ${cpu - before.cpu} 0\n`);
      } else if (started < n) {
        started++;
        socket.send(payload, Number(port), ip, one);
      }
    };
    for (; started < Math.min(n, 64); started++) socket.send(payload, Number(port), ip, one);
  };
  createInterface({ input: process.stdin })
    .on('line', (line) => turn(Number(line.split(' ')[1])))
    .on('close', () => process.exit());
  socket.bind(0, () => writeSync(1, 'ready\n'));
}

if (role === 'send') send(...args);
else listen(...args);
