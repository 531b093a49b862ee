// An ESME on node-smpp. Each line on standard input is {"command": …, "pdu": {…}} to send; each
// line on standard output is an event. The arguments: port, system_id, password, bind command.
"use strict";

const readline = require("node:readline");
const smpp = require("smpp");

const [port, systemId, password, bind] = process.argv.slice(2);

function say(event) {
  process.stdout.write(JSON.stringify(event) + "\n");
}

function name(status) {
  return Object.keys(smpp.errors).find((key) => smpp.errors[key] === status) || status;
}

const session = smpp.connect({ host: "127.0.0.1", port: Number(port) }, () => {
  session[bind]({ system_id: systemId, password }, (resp) => {
    say({ event: resp.command, status: name(resp.command_status), system_id: resp.system_id });
  });
});

session.on("deliver_sm", (pdu) => {
  say({
    event: "deliver_sm",
    source_addr: pdu.source_addr,
    destination_addr: pdu.destination_addr,
    esm_class: pdu.esm_class,
    data_coding: pdu.data_coding,
    text: pdu.short_message.message,
    receipted_message_id: pdu.receipted_message_id,
    message_state: pdu.message_state,
  });
  session.send(pdu.response());
});
session.on("enquire_link", (pdu) => {
  say({ event: "enquire_link" });
  session.send(pdu.response());
});
session.on("unbind", (pdu) => {
  say({ event: "unbind" });
  session.send(pdu.response());
});
session.on("close", () => {
  say({ event: "close" });
  process.exit(0);
});
session.on("error", (error) => say({ event: "error", reason: String(error) }));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { command, pdu } = JSON.parse(line);
  session[command](pdu || {}, (resp) => {
    say({ event: resp.command, status: name(resp.command_status), message_id: resp.message_id });
  });
});
