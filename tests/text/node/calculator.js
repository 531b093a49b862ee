// Twilio's segment calculator over texts on standard input, one JSON array in and one out.
"use strict";
const { readFileSync } = require("fs");
const { SegmentedMessage } = require("sms-segments-calculator");

const HEADER_OCTETS = 6;

// A segment is an array whose slices would be segments, with headers of their own.
function textOf(segment) {
  const characters = Array.from(segment).slice(segment.hasTwilioReservedBits ? HEADER_OCTETS : 0);
  return characters.map((character) => character.raw).join("");
}

function segmentsOf(text) {
  const message = new SegmentedMessage(text);
  return {
    encoding: message.encodingName,
    segments: message.segments.map(textOf),
  };
}

const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map(segmentsOf)));
