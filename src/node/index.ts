// weftgrad/node: files, data sets, configurations, progress, profiles and pictures; the only part of weft that opens files.

export { takeChoices } from '../ops/tune-gemm.ts';
export {
  type Ceilings,
  type KernelRow,
  type MeasuredCeilings,
  measureCeilings,
  Profile,
  type ProfileReport,
  type RecorderOptions,
  type RunTotals,
} from '../profile/index.ts';
export { CHART_COLORS, type Chart, type ChartLine, chartSvg } from './chart.ts';
export { loadConfig, parseConfig, saveConfig } from './config.ts';
export {
  bestEpoch,
  type CurveLine,
  type CurvePanel,
  curveChart,
  type EpochRecord,
  type RunHistory,
  TAGGER_PANELS,
  writeCurves,
} from './curves.ts';
export type { DatasetFormat, PartName } from './dataset-files.ts';
export { type DatasetReport, type OpenDatasetOptions, type OpenedDataset, openDataset } from './datasets.ts';
export {
  type FileContent,
  type FileSource,
  fileSource,
  type ReadBytesOptions,
  readBytes,
  writeAtomic,
} from './files.ts';
export { type HighlightHtmlOptions, type HighlightOptions, highlight, highlightHtml } from './highlight.ts';
export {
  type LoadedSafetensors,
  loadSafetensors,
  nativeSha256,
  openSafetensorsFile,
  saveSafetensors,
} from './model-files.ts';
export { PROFILE_FILES, profileMarkdown, profileText, writeProfile } from './profile-report.ts';
export { formatSeconds, Progress, type ProgressOptions, type ProgressStream } from './progress.ts';
export { rooflineSvg } from './roofline-chart.ts';
export { folderStore, freeFolder } from './run-folder.ts';
export { type Cell, displayWidth, formatNumber, markdownTable, type TableOptions, textTable } from './table.ts';
export { type Choices, readTuning, tuningFile, writeTuning } from './tuning.ts';
