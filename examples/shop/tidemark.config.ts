import { defineConfig } from '../../lib/model/config.ts';

export default defineConfig({});
