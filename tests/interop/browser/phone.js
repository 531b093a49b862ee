// A phone on SIP.js: `phone` registers, calls, is called, hears and sends digits.

import {
  Inviter,
  Registerer,
  RegistererState,
  SessionState,
  UserAgent,
} from "/sip.js/lib/index.js";
import { Ear } from "./ear.js";

// What the fake microphone says is to arrive as it is.
const MICROPHONE = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

class Phone {
  // `server` is a URL of a WebSocket.
  async register({ server, username, password }) {
    this.agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${username}@127.0.0.1`),
      authorizationUsername: username,
      authorizationPassword: password,
      transportOptions: { server },
      logLevel: "error",
      sessionDescriptionHandlerFactoryOptions: {
        peerConnectionConfiguration: { iceServers: [] },
      },
      delegate: { onInvite: (invitation) => this.answer(invitation) },
    });
    await this.agent.start();
    this.registerer = new Registerer(this.agent);
    const done = reached(this.registerer, RegistererState.Registered);
    await this.registerer.register();
    await done;
  }

  // Until the call stands, or an Error with the status of its refusal. `codecs` are those that are
  // offered, all where there are none.
  async dial(number, codecs) {
    const called = UserAgent.makeURI(`sip:${number}@127.0.0.1`);
    this.take(new Inviter(this.agent, called, options(codecs)));
    const done = this.stands();
    await this.session.invite({
      requestDelegate: {
        onReject: ({ message }) => this.refused(new Error(`refused: ${message.statusCode}`)),
      },
    });
    await done;
    this.listen();
  }

  answer(invitation) {
    this.take(invitation);
    invitation.accept(options([]));
  }

  // Until a call has come and stands.
  async called() {
    while (this.session?.state !== SessionState.Established) await pause();
    this.listen();
  }

  // Until it is over, whoever ended it.
  async over() {
    await reached(this.session, SessionState.Terminated);
  }

  async hangUp() {
    await this.session.bye();
  }

  listen() {
    this.ear = new Ear(this.session.sessionDescriptionHandler.remoteMediaStream);
  }

  levels(frequencies) {
    return this.ear.levels(frequencies);
  }

  // As it plays them.
  keys() {
    return this.ear.keys;
  }

  // As RFC 4733 says, unless the answer leaves telephone-event out.
  sendDigits(digits) {
    return this.session.sessionDescriptionHandler.sendDtmf(digits, {
      duration: 100,
      interToneGap: 100,
    });
  }

  // By SIP INFO.
  async inform(digit) {
    const content = `Signal=${digit}\r\nDuration=160\r\n`;
    const body = { contentDisposition: "render", contentType: "application/dtmf-relay", content };
    await new Promise((onAccept, refused) => {
      const onReject = ({ message }) => refused(new Error(`refused: ${message.statusCode}`));
      this.session.info({ requestDelegate: { onAccept, onReject }, requestOptions: { body } });
    });
  }

  // By type, the one of audio or of the pair that is used.
  async stats() {
    const found = {};
    (await this.connection.getStats()).forEach((one) => {
      if (one.type === "candidate-pair" ? one.nominated : one.kind === "audio" || !one.kind) {
        found[one.type] = one;
      }
      if (one.type === "codec") found[one.mimeType] = one;
    });
    return found;
  }

  descriptions() {
    const { localDescription, remoteDescription } = this.connection;
    return [localDescription.sdp, remoteDescription.sdp];
  }

  get connection() {
    return this.session.sessionDescriptionHandler.peerConnection;
  }

  take(session) {
    this.ear?.close();
    this.ear = undefined;
    this.infos = [];
    this.session = session;
    session.delegate = {
      onInfo: (info) => {
        this.infos.push(info.request.body);
        info.accept();
      },
    };
  }

  stands() {
    return Promise.race([
      reached(this.session, SessionState.Established),
      new Promise((_, refused) => {
        this.refused = refused;
      }),
    ]);
  }
}

function options(codecs) {
  return {
    sessionDescriptionHandlerOptions: { constraints: { audio: MICROPHONE, video: false } },
    sessionDescriptionHandlerModifiers: codecs.length
      ? [(description) => narrowed(description, codecs)]
      : [],
  };
}

function reached(machine, state) {
  return new Promise((resolve) => {
    const look = (now) => now === state && resolve();
    look(machine.state);
    machine.stateChange.addListener(look);
  });
}

function pause() {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}

// Without the codecs that are not named, as if the browser did not have them.
async function narrowed({ type, sdp }, codecs) {
  const left = new Set();
  for (const [, number, name] of sdp.matchAll(/^a=rtpmap:(\d+) (.+?)\/.*$/gm)) {
    if (codecs.includes(name)) left.add(number);
  }
  const lines = sdp.split("\r\n").flatMap((line) => {
    const about = line.match(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)/);
    if (about) return left.has(about[1]) ? [line] : [];
    if (!line.startsWith("m=audio")) return [line];
    const [kind, port, protocol, ...formats] = line.split(" ");
    return [[kind, port, protocol, ...formats.filter((one) => left.has(one))].join(" ")];
  });
  return { type, sdp: lines.join("\r\n") };
}

window.phone = new Phone();
