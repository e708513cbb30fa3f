"""What commands are made of: what several of them share, and the parts of those that are long.

a command       command     its words, options and run     flags         flags as fields of dataclasses
                groups      flags that several have
streams         screen      what is shown, and where       streams       closed, full, left
                progress    an apply under way             interrupt     Ctrl-C
a run           run         settings, limits, files        checks        of the files
                base        what git said at a commit      connection    to the API, or the sandbox
                secrets     of the process                 trust         which server gets credentials
                embedded    the sandbox of a folder        state_folder  what this machine remembers
plans           planning    made and shown                 outputs       the files that a run leaves
                execution   an approved plan carried out   run_record    what a run replaced, kept
                id_writer   ids of new models
import          desk        the files it works on
init            questions   what it asks                   setup         the files, and what is left to do
                pipelines   the files of a host's CI
doctor          layers      each, and how it is            reachability  those of the network
"""
