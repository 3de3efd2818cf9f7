/**
 * What a stage file's function is given to make a stage of. Loaded when a file asks: the tables of the text view take
 * 50 ms, in every worker, and all of zod, of which our own stages use a part, 30.
 */
import { z } from 'zod';
import { defineBarrier, defineMap, defineSink, drop, KEEP } from '../core/stage.ts';
import { ruleStage } from '../filters/rules.ts';
import { defineFeature, textView } from '../text/view.ts';

export const stageApi = { defineMap, defineBarrier, defineSink, ruleStage, defineFeature, textView, drop, KEEP, z };

export type StageApi = typeof stageApi;
