// Rows become batches: of one table and operation, and naming the same columns.

import * as operations from 'sluice:connector/operations@0.1.0';

import { batch, tableName } from './values.js';

const ROWS = 1000;

export class Writer {
  #waiting = new Map();

  // Rows of a table are sent in the order of the calls.
  write(operation, table, row) {
    const columns = Object.keys(row).join();
    let waiting = this.#waiting.get(table);
    if (waiting && (waiting.operation !== operation || waiting.columns !== columns || waiting.rows.length >= ROWS)) {
      this.#send(table, waiting);
      waiting = undefined;
    }
    if (!waiting) {
      waiting = { operation, columns, rows: [] };
      this.#waiting.set(table, waiting);
    }
    waiting.rows.push(row);
  }

  checkpoint(state) {
    for (const [table, waiting] of this.#waiting) {
      this.#send(table, waiting);
    }
    this.#waiting.clear();
    operations.checkpoint(JSON.stringify(state));
  }

  #send(table, { operation, rows }) {
    operations[operation](tableName(table), batch(table, rows));
  }
}
