namespace CsiThin.Core.Tests.House;

/// <summary>The repository these tests were built from.</summary>
internal static class SourceTree
{
    private static readonly string[] Roots = ["core", "driver", "e2e"];
    private static readonly string[] Made = ["bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts"];

    /// <summary>The folder of the solution, above the folder the tests run from.</summary>
    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    /// <summary>Every C# file that a person wrote.</summary>
    public static IReadOnlyList<SourceFile> CSharp { get; } =
        [.. Files(".cs").Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(Root, path))))];

    /// <summary>The files with one of these endings, their paths relative to the root; what a build made is left out.</summary>
    public static IEnumerable<string> Files(params string[] endings) =>
        from root in Roots
        where Directory.Exists(Path.Combine(Root, root))
        from path in Directory.EnumerateFiles(Path.Combine(Root, root), "*", SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(Root, path)
        where endings.Any(ending => relative.EndsWith(ending, StringComparison.Ordinal)) && !relative.Split('/').Any(Made.Contains)
        orderby relative
        select relative;

    private static string FindRoot(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "CsiThin.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"CsiThin.sln is in no folder above {start}: run the tests from where they were built.");
    }
}
