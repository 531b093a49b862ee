// The grapheme clusters of ICU (UAX #29) of texts on standard input, one JSON array in and one out.
"use strict";
const { readFileSync } = require("fs");
const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
const clusters = (text) => Array.from(segmenter.segment(text), (cluster) => cluster.segment);
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(clusters)));
