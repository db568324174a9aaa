// A whole board from power on: the firmware's own files in the flash, its relays, contacts and mains
// around the chip, a technician at its USB port. Prints what was seen as JSON.
//
//   node board_on_chip.mjs RP2040JS BOOTROM IMAGE FLASH AT WORLD
//
// WORLD: JSON file. codes: [peak, degrees] of each channel, about 2048, at 50 Hz; load: channels behind the
// relays, dead while none is closed; relays: [close, open, mirror, closed]; levels: pin ->
// level from outside; coils: {pin, active}; bootsel: the button is held; say: [seconds, line for the
// console] ...; seconds: when it ends.
import fs from 'node:fs';
import { powered } from './emulator.mjs';

const [folder, bootrom, image, files, filesAt, worldFile] = process.argv.slice(2);
const world = JSON.parse(fs.readFileSync(worldFile));
const closed = world.relays.map((relay) => relay[3]);
const TURN = 6400;
const table = world.codes.map(([peak, degrees]) => Array.from({ length: TURN }, (_, k) => Math.round(
  2048 + peak * Math.sin(2 * Math.PI * (k / TURN - degrees / 360)))));
const loaded = new Set(world.load);
function code(k, nanos) {
  const noise = Math.floor(nanos / 250e3) & 1;        // without it a channel counts as frozen
  if (!table[k] || loaded.has(k) && !closed.some(Boolean)) return 2048 + noise;
  return table[k][Math.floor(nanos * TURN / 20e6) % TURN] + noise;
}
const { chip, clock, cdc, send, run, spent } = await powered({
  folder, bootrom, image, files, filesAt, inputs: (k, nanos) => (k === 4 ? 876 : code(k, nanos)), mcp: code,
});

// Its pads there read nothing; the button pulls the flash's select down.
chip.qspi.forEach((pin) => { pin.padValue |= 0x40; });
chip.qspi[1].setInputValue(!world.bootsel);
for (const [pin, level] of Object.entries(world.levels)) chip.gpio[pin].setInputValue(Boolean(level));
const ms = () => Math.round(clock.nanos / 1e3) / 1e3;
const coils = [];
world.coils.forEach(({ pin, active }) => chip.gpio[pin].addListener((level, before) => {
  coils.push([ms(), pin, level, before, level === active]);
}));
world.relays.forEach(([close, open, mirror], k) => {
  const show = () => chip.gpio[mirror].setInputValue(closed[k]);
  for (const [pin, state] of [[close, true], [open, false]]) {
    const move = clock.createAlarm(() => { closed[k] = state; show(); });
    chip.gpio[pin].addListener((level) => (level === 1 ? move.schedule(10e6) : move.cancel()));
  }
  show();
});

let died = '';
chip.watchdog ??= Object.values(chip.peripherals).find((p) => p.name?.startsWith('WATCHDOG'));
chip.watchdog.onWatchdogTrigger = () => { died ||= `watchdog, reason ${chip.watchdog.reason}, at ${ms()} ms`; };

const heard = [];       // [ms, text]
cdc.onSerialData = (bytes) => heard.push([ms(), Buffer.from(bytes).toString('latin1')]);
cdc.onDeviceConnected = () => heard.push([ms(), '(connected)\n']);

// The timers' interrupt: a fast tick, if it takes long; 16 + TIMER_IRQ_3, the SDK's pool of alarms
const TICK = 19;
const LONG = 100e3;
const ticks = [];       // [begin, took] in ns
let begin = 0;
const look = (was, is) => {
  if (is === TICK && was !== TICK) begin = clock.nanos;
  if (was === TICK && is !== TICK) ticks.push([begin, clock.nanos - begin]);
};
const asked = [...world.say];
const marks = [];
while (!died && ms() < world.seconds * 1000) {
  run(look);
  while (asked.length && ms() >= asked[0][0] * 1000) {
    marks.push([ms(), asked[0][1]]);
    send(Buffer.from(`${asked.shift()[1]}\r`));
  }
}
const fast = ticks.filter((tick) => tick[1] > LONG);
console.log(JSON.stringify({
  died, coils, marks, heard, ms: ms(), closed,
  pins: world.coils.map(({ pin }) => chip.gpio[pin].value),
  ticks: fast.map(([at, took]) => [Math.round(at / 1e3), Math.round(took / 1e3)]),
  idle_us: Math.round(spent.idle / 1e3),
  timer_us: Math.round(ticks.reduce((sum, tick) => sum + tick[1], 0) / 1e3),
}));
process.exit(0);
