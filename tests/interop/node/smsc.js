// An SMSC on node-smpp. It accepts what it gets and sends a receipt for it. Lines on standard
// input change that: {"answer": "ESME_RTHROTTLED"} for the next submit_sm, {"receipts": "data_sm"}
// to send them so, {"hex_ids": true} to write ids in hexadecimal in answers and in decimal in
// receipts, {"command": "deliver_sm", "pdu": {…}} to the last bind, {"hang_up": true}, and
// {"outbind": {"port": …, "pdu": {…}}} to connect and ask to be bound to. Each line on standard
// output is a PDU that came, or another event. The argument, if any: {"key": …, "cert": …}, for TLS.
"use strict";

const { readFileSync } = require("node:fs");
const { say, hear, plain, smpp } = require("./lines");

const RECEIPT = 0x04;
let ids = 0;
let bound = null;
let receipts = "deliver_sm";
let hexIds = false;
const answers = [];

function receipt(submitted, id) {
  const text =
    `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 ` +
    "stat:DELIVRD err:000 text:";
  const content =
    receipts === "data_sm" ? { message_payload: text, data_coding: 0 } : { short_message: text };
  return {
    source_addr_ton: submitted.dest_addr_ton,
    source_addr_npi: submitted.dest_addr_npi,
    source_addr: submitted.destination_addr,
    dest_addr_ton: submitted.source_addr_ton,
    dest_addr_npi: submitted.source_addr_npi,
    destination_addr: submitted.source_addr,
    esm_class: RECEIPT,
    ...content,
  };
}

function submitted(session, pdu) {
  const status = answers.shift();
  if (status) {
    session.send(pdu.response({ command_status: smpp.errors[status] }));
    say({ event: "refused", status });
    return;
  }
  const number = ++ids;
  const id = hexIds ? `${0x1000 + number}` : `node-${number}`;
  session.send(pdu.response({ message_id: hexIds ? (0x1000 + number).toString(16) : id }));
  say({ ...plain(pdu), id });
  session[receipts](receipt(pdu, id));
}

function serve(session) {
  session.on("pdu", (pdu) => {
    if (pdu.command === "submit_sm") {
      submitted(session, pdu);
      return;
    }
    if (pdu.command.startsWith("bind_") && !pdu.isResponse()) {
      bound = session;
      session.send(pdu.response({ system_id: "node-smpp" }));
    } else if (["enquire_link", "unbind"].includes(pdu.command)) {
      session.send(pdu.response());
    }
    say(plain(pdu));
  });
  session.on("close", () => say({ event: "close" }));
  session.on("error", (error) => say({ event: "error", reason: String(error) }));
}

function outbind({ port, pdu }) {
  const session = smpp.connect({ host: "127.0.0.1", port }, () => session.outbind(pdu));
  serve(session);
}

const [files] = process.argv.slice(2);
const tls = Object.entries(JSON.parse(files || "{}")).map(([key, file]) => [key, readFileSync(file)]);
const server = smpp.createServer(Object.fromEntries(tls), serve);
server.on("tlsClientError", (error) => say({ event: "tls error", reason: String(error) }));

server.listen(0, "127.0.0.1", () => say({ event: "listening", port: server.address().port }));

hear((asked) => {
  if (asked.answer) {
    answers.push(asked.answer);
  } else if (asked.receipts) {
    receipts = asked.receipts;
  } else if (asked.hex_ids !== undefined) {
    hexIds = asked.hex_ids;
  } else if (asked.command) {
    bound[asked.command](asked.pdu || {});
  } else if (asked.hang_up) {
    bound.destroy();
  } else if (asked.outbind) {
    outbind(asked.outbind);
  }
});
