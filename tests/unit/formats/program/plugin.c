int app_note(int n);
int plugin_count;
int plugin_run(int n) { return app_note(n) + plugin_count++; }
