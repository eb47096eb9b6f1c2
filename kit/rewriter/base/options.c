#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "intern.h"

static const char usage[] =
    "usage: ia2-rewriter --policy PLAN_JSON --root-directory DIR --output-directory DIR "
    "--output-prefix PREFIX\n"
    "                    -p COMPILE_COMMANDS [--extra-arg ARG]... [--cache-directory DIR] "
    "[--explain] [--permissive]\n"
    "                    [SOURCE...]\n"
    "\n"
    "Rewrites the C sources of a program for its compartments.\n"
    "\n"
    "  --policy FILE           plan.json, made from compartments.toml and the build graph\n"
    "  --root-directory DIR    root of the program's sources\n"
    "  --output-directory DIR  where the mirror of the sources goes\n"
    "  --output-prefix PREFIX  put before boundary.json, destructors.json and callgates/NAME.S\n"
    "  -p PATH                 compile_commands.json, or its directory\n"
    "  --extra-arg ARG         one more argument for parsing each source\n"
    "  --cache-directory DIR   where what was read of each source is kept for the next run; made "
    "if it is not there\n"
    "  --explain               say on standard error which sources were parsed, and why, and which "
    "variables may cross\n"
    "  --permissive            the program is linked to go on after violations: its sources may "
    "say so\n"
    "  --passes                say what passes there are, what each reads and what it makes; "
    "nothing else\n"
    "  SOURCE...               sources to rewrite; all of the plan's by default\n";

void options_read(struct options *options, int argc, char **argv)
{
    static const struct option names[] = {{"policy", required_argument, NULL, 'P'},
                                          {"root-directory", required_argument, NULL, 'r'},
                                          {"output-directory", required_argument, NULL, 'o'},
                                          {"output-prefix", required_argument, NULL, 'x'},
                                          {"extra-arg", required_argument, NULL, 'e'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"permissive", no_argument, NULL, 'm'},
                                          {"cache-directory", required_argument, NULL, 'c'},
                                          {"explain", no_argument, NULL, 'E'},
                                          {"passes", no_argument, NULL, 'S'},
                                          {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "p:h", names, NULL)) != -1;) {
        switch (c) {
        case 'P':
            options->plan = optarg;
            break;
        case 'r':
            options->root = optarg;
            break;
        case 'o':
            options->output = optarg;
            break;
        case 'x':
            options->prefix = optarg;
            break;
        case 'p':
            options->commands = optarg;
            break;
        case 'e':
            *PUSH(options->extra, options->extra_count, options->extra_capacity) = optarg;
            break;
        case 'c':
            options->cache = optarg;
            break;
        case 'E':
            options->explain = true;
            break;
        case 'S':
            options->passes = true;
            return;
        case 'm':
            options->permissive = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    options->sources = argv + optind;
    options->source_count = argc - optind;
    if (!options->plan || !options->root || !options->output || !options->prefix ||
        !options->commands) {
        fputs("ia2-rewriter: error: --policy, --root-directory, --output-directory, "
              "--output-prefix and -p are needed\n",
              stderr);
        fputs(usage, stderr);
        exit(2);
    }
}
