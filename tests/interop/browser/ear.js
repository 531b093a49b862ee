// What a stream sounds like: how loud it is at some frequencies.

const SAMPLES = 16384;

export class Ear {
  constructor(stream) {
    // Chromium decodes what comes from a peer only while an element plays it.
    this.element = new Audio();
    this.element.muted = true;
    this.element.srcObject = stream;
    this.element.play();
    this.context = new AudioContext();
    this.analyser = new AnalyserNode(this.context, { fftSize: SAMPLES });
    this.context.createMediaStreamSource(stream).connect(this.analyser);
  }

  // The amplitude at each frequency, of 1 at most, in the last third of a second.
  levels(frequencies) {
    const samples = new Float32Array(SAMPLES);
    this.analyser.getFloatTimeDomainData(samples);
    return frequencies.map((hertz) => level(samples, hertz, this.context.sampleRate));
  }

  close() {
    this.element.srcObject = null;
    return this.context.close();
  }
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
