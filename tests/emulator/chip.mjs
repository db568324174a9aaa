// Boots a MicroPython image on an emulated RP2040, runs a script by the raw REPL, prints its output.
//
//   node chip.mjs RP2040JS BOOTROM IMAGE SCRIPT SECONDS [FILES AT]
//
// RP2040JS to IMAGE, FILES and AT: see emulator.mjs; SECONDS: emulated time at most. Ends with 0 if the
// script did.
import fs from 'node:fs';
import { powered } from './emulator.mjs';

const [folder, bootrom, image, scriptFile, seconds, files, filesAt] = process.argv.slice(2);
// A code here tells its input (three bits) and when it was taken (quarters of a millisecond, nine bits);
// the temperature sensor says 27 degC, which ends in its number, 4.
const code = (k, nanos) => k | (Math.floor(nanos / 250e3) % 512) << 3;
const { clock, cdc, send, run } = await powered({
  folder, bootrom, image, files, filesAt, inputs: (k, nanos) => (k === 4 ? 876 : code(k, nanos)), mcp: code,
});

const script = fs.readFileSync(scriptFile);
let text = '';
let state = 'prompt';
let failed = '';
cdc.onDeviceConnected = () => send(Buffer.from('\r\x03\x03\r\x01'));
cdc.onSerialData = (bytes) => {
  text += Buffer.from(bytes).toString('latin1');
  if (state === 'prompt' && text.includes('raw REPL; CTRL-B to exit\r\n>')) {
    [state, text] = ['accept', ''];
    send(script);
    send([4]);
  }
  if (state === 'accept' && text.includes('OK')) [state, text] = ['run', text.slice(text.indexOf('OK') + 2)];
  if (state !== 'run') return;
  const parts = text.split('\x04');
  if (parts.length < 3) return;
  process.stdout.write(parts[0].replaceAll('\r', ''));
  failed = parts[1];
  state = 'done';
};

while (state !== 'done' && clock.nanos < Number(seconds) * 1e9) run();
if (state !== 'done') failed = `no answer in ${seconds} s of the chip: ${state}, ${JSON.stringify(text.slice(-200))}`;
if (failed) process.stderr.write(`${failed}\n`);
process.exit(failed ? 1 : 0);
