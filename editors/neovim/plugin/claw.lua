-- The command, and nothing else: the rest of the plugin is loaded when it is used.
require('claw').define_command()
