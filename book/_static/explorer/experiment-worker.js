// Trains the models of Experiment 1 beside the page, which it tells how far they are.
import { epoch, experiment, observe } from './perceptron.js';

const TURN = 100; // milliseconds of training between two reports
let models = null;
let running = false;
let spent = 0;

function report() {
  const { margins, right } = observe(models);
  postMessage({ epoch: models.epoch, spent, margins, right, w: models.w.slice() });
}

function train() {
  if (!running) return;
  const began = performance.now();
  while (models.epoch < models.epochs && performance.now() - began < TURN) epoch(models);
  spent += performance.now() - began;
  running = models.epoch < models.epochs;
  report();
  setTimeout(train); // and a word from the page comes in between
}

onmessage = ({ data }) => {
  if (data.told) {
    models = experiment(data.told, data.mean);
    spent = 0;
  }
  const began = running;
  running = data.run;
  if (running && !began) train();
};
