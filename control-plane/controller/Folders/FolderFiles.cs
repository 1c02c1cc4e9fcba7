using System.Collections.Concurrent;
using System.Text;

namespace Brokkr.Controller.Folders;

/// <summary>A file of the folder as it was last read.</summary>
internal sealed class FolderFile(string name)
{
    /// <summary>Its path relative to the folder.</summary>
    public string Name { get; } = name;

    /// <summary>What it says now, or said when it could last be read.</summary>
    public IReadOnlyList<ReadObject> Objects { get; set; } = [];

    /// <summary>Why it cannot be read now; null when it can.</summary>
    public FileProblem? Problem { get; set; }

    /// <summary>What the file system says about it.</summary>
    public (DateTime Written, long Length) Stamp { get; set; }

    /// <summary>
    /// How often it is still to be read although its stamp is the same: two writes in quick succession may leave the same one.
    /// </summary>
    public int Rereads { get; set; }

    /// <summary>Its text when it was last read.</summary>
    public string? Text { get; set; }
}

/// <summary>Finds and reads the files of a folder. Not thread-safe but for <see cref="Touch"/>.</summary>
internal sealed class FolderFiles(FolderOptions options)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _root = Path.GetFullPath(options.Path);
    private readonly SortedDictionary<string, FolderFile> _files = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _touched = new(StringComparer.Ordinal);

    /// <summary>The files, by name.</summary>
    public IReadOnlyCollection<FolderFile> Files => _files.Values;

    /// <summary>Why the folder as a whole cannot be read; then the files are as they were.</summary>
    public FileProblem? Problem { get; private set; }

    /// <summary>A file is said to have changed: it is read at the next scan, whatever its stamp.</summary>
    /// <returns>Whether the scan would look at it.</returns>
    public bool Touch(string path)
    {
        if (!MayMatter(path) || !IsManifest(Path.GetFileName(path)))
        {
            return false;
        }

        _touched[path] = true;
        return true;
    }

    /// <summary>Whether a path is none of those that are left out.</summary>
    public bool MayMatter(string path) =>
        !Path.GetRelativePath(_root, path)
            .Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar)
            .Any(part => part.StartsWith('.'));

    /// <summary>Reads what has changed. Returns whether anything has.</summary>
    public bool Scan()
    {
        var before = Problem;
        Dictionary<string, string> found;
        try
        {
            found = Find();
            Problem = null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Problem = new FileProblem(true, options.Path, 0, "", $"cannot be read ({exception.Message}); everything stays as it is");
            return before != Problem;
        }

        var changed = before is not null;
        foreach (var gone in _files.Keys.Where(name => !found.ContainsKey(name)).ToList())
        {
            _files.Remove(gone);
            changed = true;
        }

        foreach (var (name, path) in found)
        {
            changed |= ReadIfChanged(name, path);
        }

        // What was touched and is not there any more.
        _touched.Clear();
        return changed;
    }

    /// <summary>Path by name of every manifest. A file that several names lead to is taken under the first one.</summary>
    private Dictionary<string, string> Find()
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var folders = new Stack<string>([_root]);
        while (folders.TryPop(out var folder))
        {
            if (!seen.Add(RealPath(folder)))
            {
                continue;
            }

            foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal))
            {
                if (entry.Name.StartsWith('.'))
                {
                    continue;
                }

                if (Directory.Exists(entry.FullName))
                {
                    folders.Push(entry.FullName);
                }
                else if (IsManifest(entry.Name) && File.Exists(entry.FullName) && seen.Add(RealPath(entry.FullName)))
                {
                    found[Path.GetRelativePath(_root, entry.FullName).Replace('\\', '/')] = entry.FullName;
                }
            }
        }

        return found;
    }

    private static bool IsManifest(string name) =>
        name.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".yml", StringComparison.OrdinalIgnoreCase);

    /// <summary>Where a path leads when its last part is a symbolic link.</summary>
    private static string RealPath(string path)
    {
        try
        {
            return (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)).FullName;
        }
        catch (IOException)
        {
            return path;
        }
    }

    private bool ReadIfChanged(string name, string path)
    {
        var isNew = !_files.TryGetValue(name, out var file);
        file ??= new FolderFile(name);
        var wasTouched = _touched.TryRemove(path, out _);
        try
        {
            var info = new FileInfo(RealPath(path));
            var stamp = (info.LastWriteTimeUtc, info.Exists ? info.Length : -1);
            if (!isNew && !wasTouched && stamp == file.Stamp && file.Rereads == 0)
            {
                return false;
            }

            file.Rereads = isNew || wasTouched || stamp != file.Stamp ? 2 : file.Rereads - 1;
            file.Stamp = stamp;
            if (stamp.Item2 > options.MaxFileBytes)
            {
                file.Text = null;
                return Fail(file, 0, $"is larger than {options.MaxFileBytes} bytes");
            }

            var text = Utf8.GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
            if (string.Equals(text, file.Text, StringComparison.Ordinal))
            {
                return false;
            }

            file.Text = text;
            file.Objects = [.. YamlReader.Read(text).SelectMany(document => ObjectReader.Read(document, options.DefaultNamespace))];
            file.Problem = null;
            return true;
        }
        catch (YamlFileException exception)
        {
            return Fail(file, exception.Line, exception.Message);
        }
        catch (DecoderFallbackException)
        {
            file.Text = null;
            return Fail(file, 0, "is not UTF-8");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            // Deleted since it was found.
            return _files.Remove(name);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            file.Text = null;
            return Fail(file, 0, $"cannot be read: {exception.Message}");
        }
        finally
        {
            if (isNew && File.Exists(path))
            {
                _files[name] = file;
            }
        }
    }

    private static bool Fail(FolderFile file, int line, string message)
    {
        var meanwhile = file.Objects.Count > 0 ? "; what it said before stays in force" : "";
        var problem = new FileProblem(true, file.Name, line, "", message + meanwhile);
        var changed = problem != file.Problem;
        file.Problem = problem;
        return changed;
    }
}
