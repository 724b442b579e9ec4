using CsiThin.Core.Device.Files;
using CsiThin.Driver.Volumes;

namespace CsiThin.Driver.Node;

/// <summary>
/// Mounting and unmounting with the system's own programs. What counts is the kernel's table, read after each step: a program that says it
/// has worked proves nothing. Concurrency: the caller lets one thread at a time near a path.
/// </summary>
internal sealed class Mounts(HostPrograms programs)
{
    private const int StackedMax = 32;
    private static readonly TimeSpan MountLimit = TimeSpan.FromMinutes(5); // replays a journal
    private static readonly TimeSpan UnmountLimit = TimeSpan.FromMinutes(2); // writes back what is dirty

    /// <summary>Mounts the file system on <paramref name="device"/>; checks that it is there and as asked.</summary>
    public async Task MountAsync(string what, AttachedDevice device, string target, string fileSystem, IReadOnlyList<string> options)
    {
        string[] flags = options.Count > 0 ? ["-o", string.Join(',', options)] : [];
        await programs.RunAsync(what, new ProgramCall("mount", ["-t", fileSystem, .. flags, "--", device.Path, target], MountLimit))
            .ConfigureAwait(false);
        if (MountTable.Read().At(target) is not { } entry || !MountTable.HoldsFileSystemOf(entry, device))
            throw NotThere(what, target);
        if (options.Contains("ro") != entry.IsReadOnly)
            throw new VolumeException(
                VolumeError.HostFailed,
                $"{what}: mounted at {target}, but {(entry.IsReadOnly ? "read-only, which was not asked for" : "not read-only")}; " +
                "the kernel's log says why");
    }

    /// <summary>
    /// Shows at <paramref name="target"/> what is at <paramref name="source"/>. Read-only takes a second step, and a crash in between
    /// leaves a writable mount: callers look for it.
    /// </summary>
    public async Task BindAsync(string what, string source, string target, bool readOnly)
    {
        var before = MountTable.Read().CountAt(target);
        await programs.RunAsync(what, new ProgramCall("mount", ["--bind", "--", source, target], MountLimit)).ConfigureAwait(false);
        if (MountTable.Read().CountAt(target) <= before)
            throw NotThere(what, target);
        if (readOnly)
            await MakeReadOnlyAsync(what, target).ConfigureAwait(false);
    }

    /// <summary>Lets nothing be written through the bind mount at <paramref name="target"/>.</summary>
    public async Task MakeReadOnlyAsync(string what, string target)
    {
        await programs.RunAsync(what, new ProgramCall("mount", ["-o", "remount,bind,ro", "--", target], MountLimit)).ConfigureAwait(false);
        if (MountTable.Read().At(target) is not { IsReadOnly: true })
            throw new VolumeException(VolumeError.HostFailed, $"{what}: the mount at {target} is not read-only, although mount said so");
    }

    /// <summary>
    /// Unmounts everything at <paramref name="target"/>; nothing there is done already. <see cref="VolumeError.Busy"/> names who uses it.
    /// </summary>
    public async Task UnmountAsync(string what, string target)
    {
        for (var tries = 0; tries < StackedMax; tries++)
        {
            var before = MountTable.Read().CountAt(target);
            if (before == 0)
                return;
            var call = new ProgramCall("umount", ["--no-canonicalize", "--", target], UnmountLimit);
            var result = await programs.TryRunAsync(what, call).ConfigureAwait(false);
            if (MountTable.Read().CountAt(target) < before)
                continue; // gone is gone, whatever the program says
            if (result.LastWords.Contains("busy", StringComparison.OrdinalIgnoreCase))
                throw new VolumeException(VolumeError.Busy, $"{what}: {target} is busy{Users(target)}");
            throw result.ExitCode != 0
                ? HostPrograms.Failed(what, call, result)
                : new VolumeException(VolumeError.HostFailed, $"{what}: {target} is still mounted, although umount said it is not");
        }
        throw new VolumeException(VolumeError.HostFailed, $"{what}: more than {StackedMax} mounts lie over each other at {target}");
    }

    private static string Users(string target) =>
        PathUsers.Of(target) is { Count: > 0 } users ? $": used by {string.Join(", ", users)}" : "";

    private static VolumeException NotThere(string what, string target) =>
        new(VolumeError.HostFailed, $"{what}: mount said it has mounted {target}, but the kernel shows no such mount there");
}
