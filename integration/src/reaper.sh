# Takes a lab down: sh -c "$(cat reaper.sh)" reaper RUN_DIR NAMESPACE_PREFIX
#
# Standard input is held open by the lab's owner. It ends when the owner is gone, in whatever way;
# the word "keep" says that the lab shall stay.
if read -r word && [ "$word" = keep ]; then
    exit 0
fi

namespaces() {
    ls /run/netns | grep "^$2"
}

# A process may start another while it is being ended, so until none is left.
for attempt in $(seq 100); do
    pids=$(for namespace in $(namespaces "$@"); do ip netns pids "$namespace"; done)
    [ -n "$pids" ] || break
    kill -KILL $pids 2>/dev/null
    sleep 0.02
done
for namespace in $(namespaces "$@"); do
    ip netns delete "$namespace"
done
rm -rf -- "$1"
