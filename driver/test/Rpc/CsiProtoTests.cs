using Csi.V1;
using Google.Protobuf.Reflection;
using Xunit;

namespace CsiThin.Driver.Tests.Rpc;

/// <summary>csi.proto is, to the last field, what the list of CSI 1.12's messages says, and nothing more.</summary>
public sealed class CsiProtoTests
{
    private const string Package = "csi.v1";

    private static readonly string ListPath = Path.Combine(AppContext.BaseDirectory, "Rpc", "csi-1.12-messages.txt");

    [Fact]
    public void Every_fact_of_the_list_is_in_the_proto_and_no_other()
    {
        var expected = CsiFacts.Read(ListPath);
        var actual = Describe(CsiReflection.Descriptor).ToList();

        Assert.True(expected.Count > 300);
        Assert.Empty(expected.Except(actual));
        Assert.Empty(actual.Except(expected));
        Assert.Equal(expected.Count, actual.Count);
    }

    [Fact]
    public void The_secret_option_has_the_number_that_other_tools_know()
    {
        var option = Assert.Single(CsiReflection.Descriptor.Extensions.UnorderedExtensions);

        Assert.Equal("csi.v1.csi_secret", option.FullName);
        Assert.Equal(1059, option.FieldNumber);
        Assert.Equal("google.protobuf.FieldOptions", option.ExtendeeType.FullName);
        Assert.Equal(FieldType.Bool, option.FieldType);
    }

    private static IEnumerable<string> Describe(FileDescriptor file) =>
    [
        $"package {file.Package} ({file.ToProto().Syntax})",
        .. file.Services.SelectMany(Describe),
        .. file.EnumTypes.Select(Describe),
        .. file.MessageTypes.SelectMany(Describe),
    ];

    private static IEnumerable<string> Describe(ServiceDescriptor service) =>
        service.Methods
            .Select(m => (m.Name, From: Message(m.IsClientStreaming, m.InputType), To: Message(m.IsServerStreaming, m.OutputType)))
            .Select(m => $"method {service.Name}.{m.Name}({m.From}) -> {m.To}")
            .Prepend($"service {service.Name}");

    private static IEnumerable<string> Describe(MessageDescriptor message) =>
    [
        $"message {Short(message)}",
        .. message.EnumTypes.Select(Describe),
        .. message.NestedTypes.Where(n => n.GetOptions()?.MapEntry != true).SelectMany(Describe),
        .. message.Fields.InDeclarationOrder().Select(f => $"field {Short(message)} {Describe(f)}"),
    ];

    private static string Describe(EnumDescriptor type) =>
        $"enum {Short(type)} {string.Join(' ', type.Values.Select(v => $"{v.Name}={v.Number}"))}";

    private static string Describe(FieldDescriptor field)
    {
        var label = field is { IsRepeated: true, IsMap: false } ? "repeated " : "";
        var oneof = field.RealContainingOneof is { } group ? $" oneof:{group.Name}" : "";
        var secret = field.GetOptions()?.GetExtension(CsiExtensions.CsiSecret) == true ? " secret" : "";
        return $"{field.FieldNumber} {label}{TypeOf(field)} {field.Name}{oneof}{secret}";
    }

    private static string TypeOf(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message when field.IsMap =>
            $"map<{TypeOf(field.MessageType.FindFieldByNumber(1))},{TypeOf(field.MessageType.FindFieldByNumber(2))}>",
        FieldType.Message => Short(field.MessageType),
        FieldType.Enum => Short(field.EnumType),
        var scalar => scalar.ToString().ToLowerInvariant(),
    };

    private static string Message(bool streaming, MessageDescriptor type) => (streaming ? "stream " : "") + Short(type);

    private static string Short(IDescriptor type) =>
        type.FullName.StartsWith(Package + ".", StringComparison.Ordinal) ? type.FullName[(Package.Length + 1)..] : type.FullName;
}
