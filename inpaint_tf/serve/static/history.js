// What the page shows is one state: a version and the strokes on it. Undo and redo walk along states; none is changed.

export class History {
  constructor(changed) {
    this.changed = changed;
    this.reset();
  }
  reset() {
    this.past = [];
    this.future = [];
    this.state = { version: 0, mask: [], sketch: [] };
    this.changed();
  }
  set(change) {
    this.past.push(this.state);
    this.future = [];
    this.state = { ...this.state, ...change };
    this.changed();
  }
  add(layer, stroke) {
    this.set({ [layer]: [...this.state[layer], stroke] });
  }
  step(from, to) {
    if (!from.length) return;
    to.push(this.state);
    this.state = from.pop();
    this.changed();
  }
  undo() { this.step(this.past, this.future); }
  redo() { this.step(this.future, this.past); }
}
