// An SMSC on node-smpp. It accepts what it gets and sends a receipt for it. Lines on standard
// input change that: {"answer": "ESME_RTHROTTLED"} for the next submit_sm, {"deliver": {…}} to the
// last bind, {"command": "enquire_link"} to it, {"hang_up": true}. Each line on standard output is
// an event.
"use strict";

const readline = require("node:readline");
const smpp = require("smpp");

const RECEIPT = 0x04;
let ids = 0;
let bound = null;
const answers = [];

function say(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

function receipt(submitted, id) {
  return {
    source_addr_ton: submitted.dest_addr_ton,
    source_addr_npi: submitted.dest_addr_npi,
    source_addr: submitted.destination_addr,
    dest_addr_ton: submitted.source_addr_ton,
    dest_addr_npi: submitted.source_addr_npi,
    destination_addr: submitted.source_addr,
    esm_class: RECEIPT,
    short_message:
      `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 ` +
      "stat:DELIVRD err:000 text:",
  };
}

const server = smpp.createServer({}, (session) => {
  for (const bind of ["bind_transceiver", "bind_transmitter", "bind_receiver"]) {
    session.on(bind, (pdu) => {
      bound = session;
      session.send(pdu.response({ system_id: "node-smpp" }));
      say({ event: bind, system_id: pdu.system_id, password: pdu.password });
    });
  }
  session.on("submit_sm", (pdu) => {
    const status = answers.shift();
    if (status) {
      session.send(pdu.response({ command_status: smpp.errors[status] }));
      say({ event: "refused", status });
      return;
    }
    const id = `node-${++ids}`;
    session.send(pdu.response({ message_id: id }));
    const udh = pdu.short_message.udh;
    say({
      event: "submit_sm",
      source_addr: pdu.source_addr,
      destination_addr: pdu.destination_addr,
      data_coding: pdu.data_coding,
      registered_delivery: pdu.registered_delivery,
      text: pdu.short_message.message,
      udh: udh ? udh.map((element) => element.toString("hex")) : [],
    });
    session.deliver_sm(receipt(pdu, id), (resp) => {
      say({ event: "receipt answered", status: resp.command_status });
    });
  });
  session.on("enquire_link", (pdu) => session.send(pdu.response()));
  session.on("unbind", (pdu) => {
    say({ event: "unbind" });
    session.send(pdu.response());
  });
  session.on("close", () => say({ event: "close" }));
  session.on("error", (error) => say({ event: "error", reason: String(error) }));
});

server.listen(0, "127.0.0.1", () => say({ event: "listening", port: server.address().port }));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const asked = JSON.parse(line);
  if (asked.answer) {
    answers.push(asked.answer);
  } else if (asked.deliver) {
    bound.deliver_sm(asked.deliver, (resp) => {
      say({ event: resp.command, status: resp.command_status });
    });
  } else if (asked.command) {
    bound[asked.command]({}, (resp) => {
      say({ event: resp.command, status: resp.command_status });
    });
  } else if (asked.hang_up) {
    bound.destroy();
  }
});
