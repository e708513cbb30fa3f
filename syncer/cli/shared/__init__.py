"""What commands are made of: what several of them share, and the parts of those that are long.

a command       command           its help, options and run  flags             flags as fields of dataclasses
                groups            flags that several have
streams         screen            what is shown, and where   streams           closed, full, left
                progress          an apply under way         interrupt         Ctrl-C
a run           run               settings, limits, files    file_checks       what validate checks
                base              what git said at a commit  connection        to the API, or the sandbox
                committed_settings  of a folder, or of a commit
                secrets           of the process             server_trust      which server gets credentials
                embedded_sandbox  of a folder                state_folder      what this machine remembers
plans           planning          made and shown             output_files      what a run leaves
                execution         an approved plan           run_record        what a run replaced
                id_writer         ids of new models
import          import_files      read, tried, written
init            init_questions    what it asks               init_files        what it writes
                pipeline_files    of a host's CI           pipeline_updates  kept, with edits
doctor          doctor_checks     layer by layer             network_checks    down to the API
"""
