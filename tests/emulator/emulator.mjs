// An RP2040 with a MicroPython image in rp2040js, and what that emulator lacks, for the scripts here.
//
// powered(given) -> {chip, core, clock, cdc, send, run, spent}. given: folder (of the npm package), bootrom
// (16 KiB as .bin, or a module that exports bootromB1), image (.uf2 or .bin), files and filesAt (what is
// in the flash from that byte on), inputs(k, nanos) and mcp(k, nanos): codes of the converter's inputs
// and of an MCP3208 at GP2 to GP5.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const FLASH = 0x10000000;

async function bootromOf(file) {
  if (/\.m?js$/.test(file)) return (await import(pathToFileURL(path.resolve(file)))).bootromB1;
  const bytes = fs.readFileSync(file);
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function load(flash, file) {
  const image = fs.readFileSync(file);
  if (image.readUInt32LE(0) !== 0x0a324655) return flash.set(image, 0);
  for (let at = 0; at < image.length; at += 512) {
    const size = image.readUInt32LE(at + 16);
    flash.set(image.subarray(at + 32, at + 32 + size), image.readUInt32LE(at + 12) - FLASH);
  }
}

// The emulator's flash cannot be erased or programmed by the boot ROM's functions, so a breakpoint at
// the entry of either does it here.
function mendFlash(chip, core, clock) {
  const rom = new Uint8Array(chip.bootrom.buffer, chip.bootrom.byteOffset);
  const half = (at) => rom[at] | (rom[at + 1] << 8);
  const acts = new Map();
  function replace(name, act) {
    for (let p = half(0x14); half(p); p += 4) {
      if (half(p) !== (name.charCodeAt(0) | (name.charCodeAt(1) << 8))) continue;
      const at = half(p + 2) & ~1;
      rom.set([0x01, 0xbe], at);
      acts.set(at, act);
    }
  }
  replace('RE', ([at, n]) => {
    chip.flash.fill(0xff, at, at + n);
    clock.tick((n / 4096) * 45e6);    // and takes its time, while converter and DMA go on
  });
  replace('RP', ([at, from, n]) => {
    for (let k = 0; k < n; k++) chip.flash[at + k] &= chip.readUint8(from + k);
  });
  chip.onBreak = () => {
    const act = acts.get((core.PC - 2) & ~1) ?? acts.get(core.PC & ~1);
    if (!act) throw new Error(`breakpoint at ${core.PC.toString(16)}`);
    act(core.registers);
    core.PC = core.LR & ~1;
  };
}

// Its round robin never leaves input 0, and would leave out 0 after 4; its converter sees nothing.
function mendConverter(chip, clock, inputs) {
  Object.defineProperty(chip.adc, 'activeChannel', {
    get() { return (this.cs >> 12) & 7; },
    set(_) {
      let k = (this.cs >> 12) & 7;
      do k = (k + 1) % 5; while (!((this.cs >> 16) & (1 << k)));
      this.cs = (this.cs & ~0x7000) | (k << 12);
    },
  });
  chip.adc.onADCRead = (k) => {
    chip.adc.currentChannel = k;
    chip.adc.channelValues[k] = inputs(k, clock.nanos);
    chip.adc.sampleAlarm.schedule(2000);
  };
}

// Its state machines run apart from the chip's time, whatever their divider, and keep their FIFOs when they
// are set up. Here state machine 0 of PIO 0 goes by the clock.
function mendPio(chip, clock) {
  const pio = chip.pio[0];
  const machine = pio.machines[0];
  const pace = clock.createAlarm(() => {
    if (!machine.enabled) return;
    const before = machine.cycles;
    machine.step();
    pio.checkChangedPins();
    const divider = machine.clockDivInt + machine.clockDivFrac / 256;
    pace.schedule(Math.max(machine.cycles - before, 1) * divider * 1e9 / chip.clkSys);
  });
  pio.run = () => pace.schedule(0);
  const setMachine = machine.writeUint32.bind(machine);
  machine.writeUint32 = (offset, value) => {
    if (offset === 8 && (value ^ machine.shiftCtrl) >>> 30) {
      while (!machine.rxFIFO.empty) machine.rxFIFO.pull();
      while (!machine.txFIFO.empty) machine.txFIFO.pull();
      machine.updateDMARx();
      machine.updateDMATx();
      pio.txStall = pio.rxStall = 0;
    }
    setMachine(offset, value);
  };
}

// An MCP3208 at GP2 to GP5 (clock, data in, data out, select) answers bit by bit.
function wireMcp(chip, clock, code) {
  const [sck, mosi, miso, cs] = [2, 3, 4, 5].map((k) => chip.gpio[k]);
  const PULLED_UP = 3;
  let bits = [];
  let word = 0;
  let clocks = 0;
  const answer = (bit) => miso.setInputValue(bit ?? miso.value === PULLED_UP);
  cs.addListener((level) => {
    [bits, word, clocks] = [[], 0, 0];
    if (level === 1) answer();
  });
  miso.addListener(() => { if (cs.value === 1) answer(); });
  sck.addListener((level, before) => {
    if (cs.value !== 0 || before > 1) return;
    if (level === 1 && (clocks || mosi.value === 1)) {
      if (++clocks <= 5) word = (word << 1) | mosi.value;
    } else if (level === 0 && clocks >= 6) {
      if (clocks === 6) {
        const said = code(word & 7, clock.nanos);
        bits = [0];
        for (let k = 11; k >= 0; k--) bits.push((said >> k) & 1);
        for (let k = 1; k < 12; k++) bits.push((said >> k) & 1);
      }
      answer(Boolean(bits.shift()));
    }
  });
}

export async function powered(given) {
  const part = (name) => import(pathToFileURL(path.join(given.folder, 'dist/esm', name)));
  const { RP2040, USBCDC, ConsoleLogger, LogLevel } = await part('index.js');
  const { SimulationClock } = await part('clock/simulation-clock.js');
  const clock = new SimulationClock();
  const chip = new RP2040(clock);
  const core = chip.core;
  chip.logger = new ConsoleLogger(LogLevel.Error);
  chip.loadBootrom(await bootromOf(given.bootrom));
  load(chip.flash, given.image);
  if (given.files) chip.flash.set(fs.readFileSync(given.files), Number(given.filesAt));
  mendFlash(chip, core, clock);
  mendConverter(chip, clock, given.inputs);
  mendPio(chip, clock);
  if (given.mcp) wireMcp(chip, clock, given.mcp);

  // Its serial queue holds 512 bytes and drops what does not fit; and it answers each question for bytes with
  // an empty packet when there are none, without a pause: half of the CPU. A computer does not answer.
  const cdc = new USBCDC(chip.usbCtrl);
  const queue = [];
  let sent = 0;
  const send = (bytes) => { for (const byte of bytes) queue.push(byte); };
  const give = chip.usbCtrl.onEndpointRead;
  let asked = null;
  chip.usbCtrl.onEndpointRead = (endpoint, size) => {
    if (endpoint === cdc.outEndpoint && cdc.txFIFO.empty) asked = [endpoint, size];
    else give(endpoint, size);
  };
  const spent = { idle: 0 };      // ns that the core waited

  // 5000 instructions; look() after each that changed the exception at hand.
  let before = core.IPSR;
  function run(look) {
    while (sent < queue.length && !cdc.txFIFO.full) cdc.txFIFO.push(queue[sent++]);
    if (asked && !cdc.txFIFO.empty) {
      const [endpoint, size] = asked;
      asked = null;
      give(endpoint, size);
    }
    const tick = 1e9 / chip.clkSys;
    for (let k = 0; k < 5000; k++) {
      if (core.waiting) {
        const wait = Math.max(clock.nanosToNextAlarm, 0);
        spent.idle += wait;
        clock.tick(wait);
      } else {
        clock.tick(core.executeInstruction() * tick);
      }
      if (core.IPSR !== before) {
        if (look) look(before, core.IPSR);
        before = core.IPSR;
      }
    }
  }
  core.PC = FLASH;
  return { chip, core, clock, cdc, send, run, spent };
}
