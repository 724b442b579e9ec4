using CsiThin.Driver.Node;

namespace CsiThin.Driver.Tests.Node;

/// <summary>Programs of the host that do what a test says: shell scripts in a folder of their own, the only one that is searched.</summary>
internal sealed class ScriptedPrograms : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("csithin-programs-").FullName;

    public ScriptedPrograms(TimeProvider? time = null) => Programs = new HostPrograms([_folder], time ?? TimeProvider.System);

    public HostPrograms Programs { get; }

    /// <summary>The calls so far: name and arguments, one a line.</summary>
    public string[] Calls => File.Exists(Log) ? File.ReadAllLines(Log) : [];

    /// <summary>A file that scripts may write; its name for them is <c>$note</c>.</summary>
    public string Note => Path.Combine(_folder, "note");

    private string Log => Path.Combine(_folder, "calls");

    /// <summary>Makes a program. The last argument, a device most often, is <c>$last</c>.</summary>
    public ScriptedPrograms With(string name, string script)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, $"#!/bin/sh\necho {name} \"$@\" >>{Log}\nfor last; do :; done\nnote={Note}\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return this;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
