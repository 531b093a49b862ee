// What a stream sounds like: how loud it is at some frequencies, and which keys are pressed.

const SAMPLES = 16384;
// Two tones each (ITU-T Q.23), looked for in windows of some 40 ms.
const LOW = [697, 770, 852, 941];
const HIGH = [1209, 1336, 1477, 1633];
const KEYS = ["123A", "456B", "789C", "*0#D"];
const KEY_SAMPLES = 2048;
const KEY_LEVEL = 0.02;
const STEP_SAMPLES = 1024;
const LOOK_MS = 50;
// A key that was not seen for some 90 ms has been released.
const RELEASED_SAMPLES = 4096;

export class Ear {
  constructor(stream) {
    // Chromium decodes what comes from a peer only while an element plays it.
    this.element = new Audio();
    this.element.muted = true;
    this.element.srcObject = stream;
    // Closed before it begins, it is refused, which harms nobody.
    this.element.play().catch(() => {});
    this.context = new AudioContext();
    this.analyser = new AnalyserNode(this.context, { fftSize: SAMPLES });
    this.context.createMediaStreamSource(stream).connect(this.analyser);
    this.keys = "";
    this.key = "";
    this.keySeen = 0;
    this.looked = 0;
    this.looks = setInterval(() => this.look(), LOOK_MS);
  }

  // The amplitude at each frequency, of 1 at most, in the last third of a second.
  levels(frequencies) {
    const samples = this.samples();
    return frequencies.map((hertz) => level(samples, hertz, this.context.sampleRate));
  }

  // All that came since the last look, which may be a while ago on a busy machine.
  look() {
    const samples = this.samples();
    const now = this.context.currentTime * this.context.sampleRate;
    const since = Math.max(this.looked, now - SAMPLES + KEY_SAMPLES);
    while (this.looked + STEP_SAMPLES <= now) {
      this.looked += STEP_SAMPLES;
      if (this.looked < since) continue;
      const end = SAMPLES - Math.floor(now - this.looked);
      this.hear(pressed(samples.subarray(end - KEY_SAMPLES, end), this.context.sampleRate));
    }
  }

  hear(key) {
    if (key && (key !== this.key || this.looked > this.keySeen + RELEASED_SAMPLES)) {
      this.keys += key;
    }
    if (key) [this.key, this.keySeen] = [key, this.looked];
  }

  samples() {
    const samples = new Float32Array(SAMPLES);
    this.analyser.getFloatTimeDomainData(samples);
    return samples;
  }

  close() {
    clearInterval(this.looks);
    this.element.srcObject = null;
    return this.context.close();
  }
}

function pressed(samples, rate) {
  const [low, high] = [LOW, HIGH].map((frequencies) => {
    const levels = frequencies.map((hertz) => level(samples, hertz, rate));
    const at = levels.indexOf(Math.max(...levels));
    const others = levels.filter((_, other) => other !== at);
    const clear = levels[at] > KEY_LEVEL && Math.max(...others) < levels[at] / 4;
    return clear ? at : -1;
  });
  return low < 0 || high < 0 ? "" : KEYS[low][high];
}

// Goertzel's algorithm, under the window of Hann, so that a tone is found between two bins, too.
function level(samples, hertz, rate) {
  const turn = (2 * Math.PI * hertz) / rate;
  const coefficient = 2 * Math.cos(turn);
  let before = 0;
  let last = 0;
  samples.forEach((sample, at) => {
    const window = 1 - Math.cos((2 * Math.PI * at) / samples.length);
    [before, last] = [last, sample * window + coefficient * last - before];
  });
  const power = last * last + before * before - coefficient * last * before;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}
