using System.Text.RegularExpressions;

namespace CsiThin.Core.Tests.House;

/// <summary>
/// The house: which floor may know which. A floor is a folder, and its namespace says so. Known is what a file names: in a using, in a
/// qualified name in the code, or in a cref of a comment (a comment that needs the floor above to be understood is knowledge too).
/// </summary>
internal sealed partial class FloorRules
{
    private static readonly string[] Core = ["Core.Format", "Core.Device", "Core.Metadata", "Core.Tools", "Core.Pool", "Core.Nbd"];

    /// <summary>What each floor may name besides itself. A floor that is not here is a mistake, or has to be given its place.</summary>
    private static readonly Dictionary<string, string[]> MayKnow = new()
    {
        // floor 0: bytes and fields, bytes and disks; neither knows the other
        ["Core.Format"] = [],
        ["Core.Device"] = [],
        // floor 1
        ["Core.Metadata"] = ["Core.Format", "Core.Device"],
        // floor 1, upper half: check, dump, restore and the like, on metadata that nobody is changing
        ["Core.Tools"] = ["Core.Format", "Core.Device", "Core.Metadata"],
        // floor 2: they meet at the block-device seam, which lies in Device
        ["Core.Pool"] = ["Core.Format", "Core.Device", "Core.Metadata", "Core.Tools"],
        ["Core.Nbd"] = ["Core.Format", "Core.Device"],
        // a library that knows no floor, so that Grpc.AspNetCore can take its place
        ["Driver.Rpc"] = [],
        // floor 3: no gRPC types
        ["Driver.Volumes"] = Core,
        // floor 3, upper half: volumes as block devices of this node's kernel
        ["Driver.Attach"] = [.. Core, "Driver.Volumes"],
        // floor 4, lower half: mounts and file systems; no gRPC types
        ["Driver.Node"] = [.. Core, "Driver.Volumes"],
        // floor 4, lower half: what surrounds the calls of every API here (socket, errors, log, meter)
        ["Driver.Calls"] = [.. Core, "Driver.Volumes", "Driver.Rpc"],
        // floor 4: siblings, which meet in Program
        ["Driver.Csi"] = [.. Core, "Driver.Volumes", "Driver.Rpc", "Driver.Calls", "Driver.Node"],
        ["Driver.Control"] = [.. Core, "Driver.Volumes", "Driver.Rpc", "Driver.Calls"],
        ["Driver.Kube"] = [.. Core, "Driver.Volumes", "Driver.Rpc"],
        ["Driver.Router"] = [.. Core, "Driver.Volumes", "Driver.Rpc", "Driver.Calls"],
        ["Driver.Telemetry"] = [.. Core, "Driver.Volumes"],
        // floor 5: wires everybody
        ["Driver.Cli"] =
        [
            .. Core, "Driver.Volumes", "Driver.Attach", "Driver.Rpc", "Driver.Calls", "Driver.Csi", "Driver.Control", "Driver.Node",
            "Driver.Kube", "Driver.Router", "Driver.Telemetry",
        ],
        ["Driver.Program"] =
            [.. Core, "Driver.Volumes", "Driver.Attach", "Driver.Rpc", "Driver.Calls", "Driver.Csi", "Driver.Control", "Driver.Node",
                "Driver.Kube", "Driver.Router", "Driver.Telemetry", "Driver.Cli"],
    };

    private static readonly HashSet<string> SpeakGrpc =
        ["Driver.Rpc", "Driver.Calls", "Driver.Csi", "Driver.Control", "Driver.Kube", "Driver.Router", "Driver.Cli", "Driver.Program"];

    private readonly Dictionary<string, HashSet<string>> _typesOf = [];

    /// <summary>Rules for these files; the types they declare are needed to know a half-qualified name from a property.</summary>
    public FloorRules(IEnumerable<SourceFile> files)
    {
        foreach (var file in files)
        {
            if (FloorOf(file.Path) is not { } floor)
                continue;
            if (!_typesOf.TryGetValue(floor, out var types))
                _typesOf[floor] = types = [];
            types.UnionWith(from match in Declaration().Matches(file.Code) select match.Groups[1].Value);
        }
    }

    /// <summary>Everything in a file of the product that names a floor it may not know.</summary>
    public IEnumerable<Finding> Check(SourceFile file)
    {
        if (FloorOf(file.Path) is not { } floor)
            yield break;
        if (!MayKnow.TryGetValue(floor, out var known))
        {
            yield return new Finding(file.Path, 1, $"{floor} is no floor of the house: give it its place in FloorRules");
            yield break;
        }
        foreach (var finding in Qualified(file, floor, known).Concat(HalfQualified(file, floor, known)).Concat(Foreign(file, floor)))
            yield return finding;
    }

    /// <summary>Namespaces that a project file brings into every file of the product, past the usings that are looked at.</summary>
    public static IEnumerable<Finding> CheckProject(string path, string text) =>
        from match in ProjectUsing().Matches(text)
        select new Finding(
            path, 1 + text.AsSpan(0, match.Index).Count('\n'), "a floor is named in each file that uses it, not in the project");

    /// <summary>The floor a file of the product belongs to ("Core.Pool"), or null.</summary>
    public static string? FloorOf(string path)
    {
        var parts = path.Split('/');
        if (parts is not [var side and ("core" or "driver"), "src", .. var rest] || rest.Length == 0)
            return null;
        var sideName = side == "core" ? "Core" : "Driver";
        return rest.Length == 1 ? $"{sideName}.Program" : $"{sideName}.{rest[0]}";
    }

    private static IEnumerable<Finding> Qualified(SourceFile file, string floor, string[] known) =>
        from part in new[] { file.Code, file.Comments }
        from match in FullName().Matches(part)
        let named = match.Groups[1].Value
        where named != floor && !known.Contains(named)
            && (named[0] == 'D' || Core.Contains(named) || floor.StartsWith("Core", StringComparison.Ordinal))
        select file.FindingAt(match.Index, $"{floor} may not know {named}");

    // From inside CsiThin.Core.Nbd, "Pool.ThinPool" and "Core.Pool.ThinPool" lead to the neighbour without naming CsiThin. "Pool" may as
    // well be a property, so the name behind the dot decides.
    private IEnumerable<Finding> HalfQualified(SourceFile file, string floor, string[] known) =>
        from match in HalfName().Matches(file.Code + file.Comments)
        from other in _typesOf
        where other.Key != floor && !known.Contains(other.Key)
        where other.Key.EndsWith("." + match.Groups[1].Value, StringComparison.Ordinal) && other.Value.Contains(match.Groups[2].Value)
        select file.FindingAt(match.Index % file.Text.Length, $"{floor} may not know {other.Key} ({match.Value})");

    private static IEnumerable<Finding> Foreign(SourceFile file, string floor) =>
        SpeakGrpc.Contains(floor) ? [] : file.Matches(file.Code, GrpcName(), $"{floor} knows no gRPC types");

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record(?:\s+struct|\s+class)?)\s+([A-Z]\w*)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\bCsiThin\.((?:Core|Driver)\.[A-Z]\w*)")]
    private static partial Regex FullName();

    [GeneratedRegex(
        @"(?<![\w.])(?:(?:Core|Driver)\.)?" +
        @"(Format|Device|Metadata|Tools|Pool|Nbd|Rpc|Volumes|Attach|Calls|Csi|Control|Node|Kube|Router|Telemetry|Cli)\.([A-Z]\w*)")]
    private static partial Regex HalfName();

    [GeneratedRegex(@"\b(?:Grpc\.|Csi\.V1\b|CsiThin\.V1\b|Google\.Protobuf\b)")]
    private static partial Regex GrpcName();

    [GeneratedRegex(@"<Using\s+Include\s*=\s*""CsiThin")]
    private static partial Regex ProjectUsing();
}
