/* The library of the dl_debug programs. */
void library_open(void);
int library_value(void);
void *library_function(void); /* the address of one of its functions, which is not a gate */
