// The word count of the benchmarks, in AssemblyScript: split, as rows, and a sum, also for windows.

import { inverse } from "tidemill/inverse";
import { reduce } from "tidemill/reduce";
import { Out, Row } from "tidemill/row";
import { flatMap } from "tidemill/transform";

function splitWords(row: Row, out: Out): void {
  const words = row.getText(0).split(" ");
  for (let i = 0; i < words.length; i++) {
    if (words[i].length > 0) out.emit(new Row().text(words[i]).int(1));
  }
}

flatMap("line: utf8", "word: utf8, n: int64", splitWords);
reduce("int64", (a: Row, b: Row): Row => new Row().int(a.getInt(0) + b.getInt(0)));
inverse((a: Row, b: Row): Row => new Row().int(a.getInt(0) - b.getInt(0)));
