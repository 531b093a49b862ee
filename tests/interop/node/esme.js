// An ESME on node-smpp. Each line on standard input is {"command": …, "pdu": {…}} to send; each
// line on standard output is a PDU that came, or {"event": "close"}. The arguments: a port, and
// {"bind": "bind_…", "pdu": {…}, "tls": {…}}: how to bind, and how to connect if it is over TLS.
"use strict";

const { readFileSync } = require("node:fs");
const { say, hear, plain, smpp } = require("./lines");

const [port, options] = process.argv.slice(2);
const { bind, pdu: bindFields, tls } = JSON.parse(options);

function contents(files) {
  return Object.fromEntries(Object.entries(files).map(([key, file]) => [key, readFileSync(file)]));
}

const address = { host: "127.0.0.1", port: Number(port) };
// Left to itself, node-smpp takes any certificate.
const secured = tls && { tls: true, rejectUnauthorized: true, ...contents(tls) };
const session = smpp.connect({ ...address, ...secured });

session.on(tls ? "secureConnect" : "connect", () => session[bind](bindFields));
session.on("pdu", (pdu) => {
  say(plain(pdu));
  if (["deliver_sm", "data_sm", "enquire_link", "unbind"].includes(pdu.command)) {
    session.send(pdu.response());
  }
});
session.on("close", () => {
  say({ event: "close" });
  process.exit(0);
});
session.on("error", (error) => say({ event: "error", reason: String(error) }));

hear(({ command, pdu }) => session[command](pdu || {}));
