using Xunit;

namespace CsiThin.Core.Tests.House;

/// <summary>Each floor knows only those below it. See FloorRules for the house.</summary>
public sealed class FloorsTests
{
    [Fact]
    public void No_floor_names_one_above_or_beside_it()
    {
        var rules = new FloorRules(SourceTree.CSharp);
        Assert.Contains(SourceTree.CSharp, file => FloorRules.FloorOf(file.Path) == "Core.Device");
        Assert.Contains(SourceTree.CSharp, file => FloorRules.FloorOf(file.Path) == "Driver.Program");
        Report(SourceTree.CSharp.SelectMany(rules.Check));
    }

    [Fact]
    public void No_project_brings_a_floor_into_all_its_files() =>
        Report(SourceTree.Files("src/CsiThin.Core.csproj", "src/CsiThin.Driver.csproj")
            .SelectMany(path => FloorRules.CheckProject(path, File.ReadAllText(Path.Combine(SourceTree.Root, path)))));

    [Theory]
    [InlineData("core/src/Device/X.cs", "using CsiThin.Core.Format;")]
    [InlineData("core/src/Format/X.cs", "using static CsiThin.Core.Device.Errno;")]
    [InlineData("core/src/Metadata/X.cs", "using Alias = CsiThin.Core.Pool.ThinPool;")]
    [InlineData("core/src/Pool/X.cs", "global using CsiThin.Core.Nbd;")]
    [InlineData("core/src/Nbd/X.cs", "var x = new CsiThin.Core.Pool.ThinPool();")]
    [InlineData("core/src/Nbd/X.cs", "var x = new Pool.ThinPool();")]
    [InlineData("core/src/Nbd/X.cs", "var x = new Core.Pool.ThinPool();")]
    [InlineData("core/src/Nbd/X.cs", "/// <summary>As <see cref=\"Pool.ThinPool\"/>.</summary>")]
    [InlineData("core/src/Nbd/X.cs", "/// <summary>As <see cref=\"CsiThin.Core.Pool.ThinPool\"/>.</summary>")]
    [InlineData("core/src/Pool/X.cs", "using CsiThin.Driver.Volumes;")]
    [InlineData("driver/src/Volumes/X.cs", "using CsiThin.Driver.Csi;")]
    [InlineData("driver/src/Volumes/X.cs", "using Grpc.Core;")]
    [InlineData("driver/src/Volumes/X.cs", "using Csi.V1;")]
    [InlineData("driver/src/Node/X.cs", "using CsiThin.Driver.Csi;")]
    [InlineData("driver/src/Node/X.cs", "using CsiThin.Driver.Attach;")]
    [InlineData("driver/src/Node/X.cs", "using Grpc.Core;")]
    [InlineData("driver/src/Csi/X.cs", "using CsiThin.Driver.Control;")]
    [InlineData("driver/src/Volumes/X.cs", "using CsiThin.V1;")]
    [InlineData("driver/src/Calls/X.cs", "using CsiThin.Driver.Csi;")]
    [InlineData("driver/src/Kube/X.cs", "using CsiThin.Driver.Program;")]
    [InlineData("driver/src/Rpc/Server/X.cs", "using CsiThin.Driver.Csi;")]
    [InlineData("driver/src/Rpc/X.cs", "using CsiThin.Core.Device;")]
    [InlineData("driver/src/Csi/X.cs", "using CsiThin.Driver.Cli;")]
    [InlineData("driver/src/Attic/X.cs", "namespace CsiThin.Driver.Attic;")]
    public void A_name_from_above_or_beside_is_found(string path, string text) => Assert.NotEmpty(Check(path, text));

    [Theory]
    [InlineData("core/src/Device/X.cs", "namespace CsiThin.Core.Device; using System.IO;")]
    [InlineData("core/src/Pool/X.cs", "using CsiThin.Core.Metadata; var x = id.Pool.ThinPool; var y = Device.Errno.Io;")]
    [InlineData("core/src/Nbd/X.cs", "var message = \"CsiThin.Core.Pool\"; var x = Pool.Uuid;")]
    [InlineData("driver/src/Volumes/X.cs", "using CsiThin.Core.Pool;")]
    [InlineData("driver/src/Csi/X.cs", "using CsiThin.Driver.Volumes; using Grpc.Core; using Csi.V1;")]
    [InlineData("driver/src/Program.cs", "using CsiThin.Driver.Cli; using CsiThin.Driver.Csi;")]
    [InlineData("core/test/Device/X.cs", "using CsiThin.Core.Pool;")]
    public void What_a_floor_may_know_is_left_alone(string path, string text) => Assert.Empty(Check(path, text));

    [Fact]
    public void A_floor_in_a_project_file_is_found() =>
        Assert.NotEmpty(FloorRules.CheckProject("core/src/CsiThin.Core.csproj", "<Using Include=\"CsiThin.Core.Pool\" />"));

    private static IEnumerable<Finding> Check(string path, string text)
    {
        var file = new SourceFile(path, text);
        return new FloorRules(
            [file, new SourceFile("core/src/Pool/ThinPool.cs", "class ThinPool;"),
                new SourceFile("core/src/Device/Errno.cs", "class Errno;")])
            .Check(file);
    }

    private static void Report(IEnumerable<Finding> findings) => Assert.True(!findings.Any(), string.Join('\n', findings));
}
