# fish completion of virtmap: virtmap completion fish | source
function __virtmap_complete
	set -l words (commandline -opc)
	$words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c virtmap -a '(__virtmap_complete)'
